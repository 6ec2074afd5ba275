import { accessible, expect, picture, settled, test } from "./console";

// What people do, from its beginning to its end.

test("a finding: opened from the table, read, changed, its history tells it", async ({ page }) => {
  await page.goto("/console/findings");
  await settled(page, /^Findings/);
  const link = page.locator("table tbody a").first();
  const title = (await link.textContent()) ?? "";
  await link.click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(title.trim());
  await expect(page.getByRole("heading", { level: 2, name: "What, where, since when" })).toBeVisible();
  await accessible(page);
  await picture(page, "finding-light");

  await page.getByRole("button", { name: "Change", exact: true }).click();
  await page.getByRole("menuitem", { name: /note/i }).click();
  await page.getByRole("textbox", { name: "Note" }).fill("asked the web team");
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("button", { name: "Change 1", exact: true }).click();
  await expect(page.getByText("1 changed.")).toBeVisible();
  await page.getByRole("tab", { name: "History" }).click();
  await expect(page.getByText("asked the web team").first()).toBeVisible();
  for (const [tab, heading] of [
    [/^Resources/, "Resources"],
    ["JSON", "As it is kept (ASFF)"],
  ] as const) {
    await page.getByRole("tab", { name: tab }).click();
    await expect(page.getByRole("heading", { level: 2, name: heading })).toBeVisible();
    await accessible(page);
  }
  await page.getByRole("tab", { name: "Related" }).click();
  await accessible(page);
});

test("many findings: all that match are changed, and changed back", async ({ page }) => {
  const matching = async () => Number(/\(([\d,]+)\)/.exec((await page.getByRole("heading", { level: 1 }).textContent()) ?? "")?.[1]?.replaceAll(",", "") ?? "NaN");
  await page.goto("/console/findings");
  await settled(page, /^Findings \(/);
  await page.getByRole("checkbox", { name: /^Workflow status NEW, / }).click();
  await expect(page).toHaveURL(/where=WorkflowStatus\+%3D\+NEW/);
  await expect(page.getByText(/^[\d,]+ matches$/)).toBeVisible();
  await settled(page, /^Findings \(/);
  const before = await matching();
  expect(before).toBeGreaterThan(50);
  await page.getByRole("checkbox", { name: "Select all of this page" }).first().click({ force: true });
  await page.getByRole("button", { name: /^Select all [\d,]+ that match/ }).click();
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await page.getByRole("menuitem", { name: "Set workflow status Notified" }).click();
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByText(`${before.toLocaleString("en")} findings match`)).toBeVisible();
  await accessible(page, "[role=dialog]"); // what lies behind it is covered, and out of reach
  await picture(page, "change-light");
  await page.getByRole("button", { name: `Change ${before.toLocaleString("en")}`, exact: true }).click();
  await expect(page.getByText(`${before.toLocaleString("en")} changed.`)).toBeVisible();
  await expect(page.getByText("No finding matches")).toBeVisible();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByText("Undo: done")).toBeVisible();
  await expect.poll(matching).toBe(before);
});

test("by the keyboard alone: a filter, a facet, a row, a change", async ({ page }) => {
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");
  /** Goes on with Tab until something has the focus whose name is like this. */
  const tabTo = async (name: RegExp, key = "Tab") => {
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press(key);
      if (name.test(await focused())) {
        return;
      }
    }
    throw new Error(`Tab never came to ${String(name)}`);
  };
  await page.goto("/console/findings");
  await settled(page, /^Findings \(/);
  await tabTo(/^Filter findings$/);
  await page.keyboard.type("bucket");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/where=Keyword\+contains\+%22bucket%22/);
  await tabTo(/^Severity [A-Z]+, [\d,]+ findings$/);
  const severity = /^Severity ([A-Z]+),/.exec(await focused())?.[1] ?? "";
  await page.keyboard.press("Space");
  await expect(page).toHaveURL(new RegExp(`SeverityLabel\\+%3D\\+${severity}`));
  await settled(page, /^Findings \(/);
  await tabTo(/^Select (all|none) of this page$/); // the table is one stop: arrows go on within it
  await page.keyboard.press("ArrowDown");
  await expect.poll(focused).toMatch(/^Select (?!all|none)/);
  await page.keyboard.press("Space");
  await expect(page.getByRole("button", { name: "Change", exact: true })).toBeEnabled();
  const open = async () => {
    await page.keyboard.press("Enter");
    await expect(page.getByRole("menuitem", { name: "Set workflow status New" })).toBeVisible();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
  };
  await tabTo(/^Change$/, "Shift+Tab");
  await open();
  const dialog = page.getByRole("dialog", { name: /^Change 1 selected finding/ });
  await expect(dialog).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect.poll(focused, { message: "who closes the dialog is back where it was opened" }).toMatch(/^Change$/);
  await open();
  await expect(dialog).toBeVisible();
  await tabTo(/^Preview$/);
  await page.keyboard.press("Enter");
  await expect(page.getByText("1 finding matches")).toBeVisible();
  await tabTo(/^Change 1$/);
  await page.keyboard.press("Enter");
  await expect(page.getByText("1 changed.")).toBeVisible();
});
