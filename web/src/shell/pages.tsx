import { type ComponentType, lazy, type LazyExoticComponent } from "react";

export interface ConsolePage {
  /** Behind /console/; what stands behind it in an address is the page's own. */
  path: string;
  /** Its name in the navigation; absent for pages that others lead to. */
  text?: string;
  Page: LazyExoticComponent<ComponentType>;
}

/** The console's pages, each loaded when it is first looked at. */
export const pages: ConsolePage[] = [
  { path: "overview", text: "Overview", Page: lazy(() => import("../overview/page")) },
  { path: "findings", text: "Findings", Page: lazy(() => import("../findings/page")) },
  { path: "finding", Page: lazy(() => import("../finding/page")) },
  { path: "insights", text: "Insights", Page: lazy(() => import("../insights/page")) },
  { path: "rules", text: "Automation rules", Page: lazy(() => import("../rules/page")) },
  { path: "products", text: "Products", Page: lazy(() => import("../products/page")) },
  { path: "accounts", text: "Accounts and Regions", Page: lazy(() => import("../accounts/page")) },
  { path: "deliveries", text: "Deliveries", Page: lazy(() => import("../deliveries/page")) },
  { path: "rejected", text: "Why was it rejected?", Page: lazy(() => import("../rejected/page")) },
  { path: "welcome", text: "Send the first finding", Page: lazy(() => import("../welcome/page")) },
];
