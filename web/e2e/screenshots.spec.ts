// The pictures of the README, made from the demo: `make screenshots`.
import { join } from "node:path";
import { settled, test } from "./console";

const folder = process.env["HUBCAP_SCREENSHOTS"] ?? "../bin/screenshots";

test.use({ demo: 5000, viewport: { width: 1600, height: 1000 } });

for (const [name, path, heading] of [
  ["overview", "overview", /^Overview/],
  ["findings", "findings", /^Findings/],
  ["rejected", "rejected", /^Why was it rejected/],
] as const) {
  test(name, async ({ page }) => {
    await page.goto(`/console/${path}`);
    await settled(page, heading);
    await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
  });
}
