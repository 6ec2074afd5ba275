// What every test of the console uses: a hub of the file's, and a page of which nothing may go wrong unseen. Errors in the browser's log,
// violations of the policy, requests to anywhere but the hub, and layout that jumps fail the test that met them.
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { Hub } from "./hub";

interface Watched {
  violations: string[];
  shift: number;
  harm: string[];
}

declare global {
  interface Window {
    hubcapWatch: Watched;
  }
}

/** How far content may jump in all while a page is looked at: Google's bound of good is 0.1. */
const mostShift = 0.1;

export interface Trouble {
  /** Messages of the browser's log that a test expects. */
  expected: RegExp[];
}

export const test = base.extend<{ trouble: Trouble }, { hub: Hub; hubConfig: string; hubKey: { id: string; secret: string } | undefined; demo: number }>({
  hubConfig: ["", { option: true, scope: "worker" }],
  hubKey: [undefined, { option: true, scope: "worker" }],
  demo: [400, { option: true, scope: "worker" }],
  hub: [
    async ({ hubConfig, hubKey, demo }, use) => {
      const hub = await Hub.start(hubConfig, hubKey);
      if (demo > 0) {
        hub.fill(demo);
      }
      await use(hub);
      await hub.stop();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ hub }, use) => use(hub.url),
  trouble: async ({}, use) => use({ expected: [] }),
  page: async ({ page, hub, trouble }, use) => {
    const seen: string[] = [];
    page.on("console", (m) => {
      if (m.type() === "error" || m.type() === "warning") {
        seen.push(`log: ${m.text()}`);
      }
    });
    page.on("pageerror", (e) => seen.push(`error: ${e.message}`));
    page.on("dialog", (d) => {
      seen.push(`dialog: ${d.message()}`);
      void d.dismiss();
    });
    page.on("request", (r) => {
      if (!r.url().startsWith(`${hub.url}/`) && !r.url().startsWith("data:") && !r.url().startsWith("blob:")) {
        seen.push(`request to ${r.url()}`);
      }
    });
    await page.addInitScript(() => {
      window.hubcapWatch = { violations: [], shift: 0, harm: [] };
      document.addEventListener("securitypolicyviolation", (e) => window.hubcapWatch.violations.push(`${e.violatedDirective}: ${e.blockedURI} ${e.sourceFile}:${String(e.lineNumber)}`));
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
          if (!entry.hadRecentInput) {
            window.hubcapWatch.shift += entry.value;
          }
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    await use(page);
    const watched = page.url().startsWith(hub.url) ? await page.evaluate(() => window.hubcapWatch) : undefined;
    expect.soft(watched?.violations ?? [], "the policy holds").toEqual([]);
    expect.soft(watched?.shift ?? 0, "nothing jumps").toBeLessThan(mostShift);
    expect.soft(seen.filter((s) => !trouble.expected.some((e) => e.test(s))), "the browser's log, dialogs and requests").toEqual([]);
  },
});

export { expect };

/** Waits until the page shows what it asked the hub for: its heading, and nothing that turns. */
export async function settled(page: Page, heading: string | RegExp): Promise<void> {
  await expect(page.getByRole("heading", { level: 1, name: heading })).toBeVisible();
  await expect(page.locator("[class*='awsui_spinner']")).toHaveCount(0);
}

/** Holds the page, or a part of it, against WCAG 2.2 AA: none of what axe calls serious or critical. */
export async function accessible(page: Page, part?: string): Promise<void> {
  const axe = new AxeBuilder({ page });
  const found = await (part === undefined ? axe : axe.include(part)).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
  const grave = found.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  expect.soft(grave.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(" | ")}`), "axe").toEqual([]);
}

/** Keeps a picture, for who wants to see what the tests saw. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `../bin/screenshots/${name}.png`, animations: "disabled" });
}
