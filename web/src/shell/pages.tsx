import { type ComponentType, lazy, type LazyExoticComponent } from "react";

export interface ConsolePage {
  /** Behind /console/; what stands behind it in an address is the page's own. */
  path: string;
  /** Its name in the navigation; absent for pages that others lead to. */
  text?: string;
  /** Loads the page's files. */
  load: () => Promise<{ default: ComponentType }>;
  Page: LazyExoticComponent<ComponentType>;
}

function page(path: string, load: ConsolePage["load"], text?: string): ConsolePage {
  return { path, load, Page: lazy(load), ...(text === undefined ? {} : { text }) };
}

/** The console's pages, each loaded when it is first looked at. */
export const pages: ConsolePage[] = [
  page("overview", () => import("../overview/page"), "Overview"),
  page("findings", () => import("../findings/page"), "Findings"),
  page("finding", () => import("../finding/page")),
  page("insights", () => import("../insights/page"), "Insights"),
  page("rules", () => import("../rules/page"), "Automation rules"),
  page("products", () => import("../products/page"), "Products"),
  page("accounts", () => import("../accounts/page"), "Accounts and Regions"),
  page("deliveries", () => import("../deliveries/page"), "Deliveries"),
  page("rejected", () => import("../rejected/page"), "Why was it rejected?"),
  page("welcome", () => import("../welcome/page"), "Send the first finding"),
];

/** The page of an address below /console; undefined for none. */
export function pageAt(pathname: string): ConsolePage | undefined {
  return pages.find((p) => pathname === `/${p.path}` || pathname.startsWith(`/${p.path}/`));
}
