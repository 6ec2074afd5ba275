import { accessible, expect, picture, settled, test } from "./console";

const sinks = `
[[sinks]]
name = "archive"
type = "file"
path = "FOLDER/events.ndjson"

[[sinks]]
name = "live"
type = "stream"
`;

test.use({ hubConfig: sinks });

// One path a page, in light and in dark: it comes, is about what it says, and can be used by everybody.
const pages = [
  { path: "overview", heading: "Overview", navigation: "Overview" },
  { path: "findings", heading: /^Findings/, navigation: "Findings" },
  { path: "insights", heading: /^Insights/, navigation: "Insights" },
  { path: "insights/new", heading: "Create insight" },
  { path: "rules", heading: /^Automation rules/, navigation: "Automation rules" },
  { path: "rules/new", heading: "Create automation rule" },
  { path: "products", heading: /^Products/, navigation: "Products" },
  { path: "accounts", heading: "Accounts and Regions", navigation: "Accounts and Regions" },
  { path: "deliveries", heading: "Deliveries", navigation: "Deliveries" },
  { path: "rejected", heading: "Why was it rejected?", navigation: "Why was it rejected?" },
  { path: "welcome", heading: "Send the first finding", navigation: "Send the first finding" },
];

for (const { path, heading, navigation } of pages) {
  test(`${path}: opens from the navigation and from its address, in light and dark`, async ({ page }) => {
    if (navigation !== undefined) {
      await page.goto("/console/");
      await page.getByRole("navigation").getByRole("link", { name: navigation, exact: true }).click();
      await settled(page, heading);
      expect(new URL(page.url()).pathname).toBe(`/console/${path}`);
    } else {
      await page.goto(`/console/${path}`);
      await settled(page, heading);
    }
    await accessible(page);
    await picture(page, `${path.replace("/", "-")}-light`);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.goto(`/console/${path}`);
    await settled(page, heading);
    await accessible(page);
    await picture(page, `${path.replace("/", "-")}-dark`);
  });
}

test("the hub's address opens the console", async ({ page }) => {
  await page.goto("/");
  await settled(page, "Overview");
  expect(new URL(page.url()).pathname).toMatch(/^\/console\//);
});
