import { accessible, expect, picture, settled, test } from "./console";

const key = { id: "AKIAHUBCAPBROWSER000", secret: "made up for the browser's tests, 40 chars" };

test.use({
  hubKey: key,
  demo: 0,
  hubConfig: `
[[keys]]
id = "${key.id}"
secret = "${key.secret}"
account = "111122223333"
name = "browser"
`,
});

test("where keys are checked, a key signs in, and is gone with the window", async ({ page, context, trouble }) => {
  trouble.expected.push(/403 \(Forbidden\)/);
  await page.goto("/console/findings");
  await settled(page, "Sign in to hubcap");
  await accessible(page);
  await picture(page, "sign-in");
  await page.getByLabel("Access key id").fill(key.id);
  await page.getByLabel("Secret access key").fill("another one");
  await page.getByLabel("Secret access key").press("Enter");
  await expect(page.getByText(/signature/i).first()).toBeVisible();
  await expect(page.getByLabel("Access key id")).toHaveValue(key.id); // what was typed stays
  await page.getByLabel("Secret access key").fill(key.secret);
  await page.getByLabel("Secret access key").press("Enter");
  await settled(page, /^Findings/);
  await page.reload();
  await settled(page, /^Findings/);
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(key.secret);
  const other = await context.newPage();
  await other.goto("/console/findings");
  await expect(other.getByRole("heading", { level: 1, name: "Sign in to hubcap" })).toBeVisible();
  await other.close();
});
