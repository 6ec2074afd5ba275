import { expect, settled, test } from "./console";

// What takes so long on a machine that has nothing else to do, in ms: work of a fixed size, as long as a view's own.
const usualWork = 25;

/** How many times slower this machine is at the moment than one that has nothing else to do. */
const work = () => {
  const began = performance.now();
  let x = 0;
  for (let i = 0; i < 20_000_000; i++) {
    x = (x * 31 + i) | 0;
  }
  return x === 42 ? 0 : performance.now() - began;
};

// From cold the first view is there within a second, and loads less than 500 KB of JavaScript. Others may use the machine: the bound
// grows with what a work of a fixed size takes meanwhile, and the best of some tries counts.
test("the first view is quick and small", async ({ browser, hub }) => {
  test.setTimeout(180_000);
  let best = { ms: Infinity, bound: 1000 };
  let script = 0;
  for (let attempt = 0; attempt < 4 && best.ms >= best.bound; attempt++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${hub.url}/console/`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const ms = await page.evaluate(() => performance.now());
    const bound = 1000 * Math.max(1, (await page.evaluate(work)) / usualWork);
    if (ms / bound < best.ms / best.bound) {
      best = { ms, bound };
    }
    script = await page.evaluate(() =>
      (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
        .filter((r) => new URL(r.name).pathname.endsWith(".js"))
        .reduce((sum, r) => sum + r.encodedBodySize, 0),
    );
    await context.close();
  }
  const measured = `first view after ${best.ms.toFixed(0)} ms (bound ${best.bound.toFixed(0)}), ${String(script)} bytes of JavaScript`;
  test.info().annotations.push({ type: "measured", description: measured });
  expect(best.ms, measured).toBeLessThan(best.bound);
  expect(script).toBeGreaterThan(0);
  expect(script, measured).toBeLessThan(500_000);
});

test("what the browser has, it does not ask for again", async ({ page }) => {
  await page.goto("/console/");
  await settled(page, "Overview");
  const again: string[] = [];
  page.on("response", (r) => {
    if (new URL(r.url()).pathname.startsWith("/console/assets/") && !r.fromServiceWorker()) {
      again.push(`${String(r.status())} ${r.url()}`);
    }
  });
  await page.reload();
  await settled(page, "Overview");
  const transferred = await page.evaluate(() =>
    (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
      .filter((r) => new URL(r.name).pathname.startsWith("/console/assets/"))
      .reduce((sum, r) => sum + r.transferSize, 0),
  );
  expect(transferred, again.join("\n")).toBe(0);
});
