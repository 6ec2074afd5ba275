// Runs the browser's tests (../e2e) with the Chromium that is there. Where there is none they are skipped, with a message; with
// HUBCAP_BROWSER=required, as in CI, that is a failure.
//
//   node scripts/browser.mjs [--events] [arguments of playwright test]
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const events = process.argv.includes("--events");
const rest = process.argv.slice(2).filter((a) => a !== "--events");

function found() {
  if (process.env.HUBCAP_CHROMIUM) {
    return process.env.HUBCAP_CHROMIUM;
  }
  for (const name of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]) {
    for (const dir of (process.env.PATH ?? "").split(delimiter)) {
      try {
        accessSync(join(dir, name), constants.X_OK);
        return join(dir, name);
      } catch {
        // not there
      }
    }
  }
  return undefined;
}

const chromium = found();
if (chromium === undefined) {
  const why = "there is no Chromium: install Debian's package chromium, or name one in HUBCAP_CHROMIUM";
  const required = process.env.HUBCAP_BROWSER === "required";
  if (events) {
    const test = { Package: "web/e2e", Test: "browser" };
    console.log(JSON.stringify({ ...test, Action: "output", Output: `    browser.mjs:1: ${why}\n` }));
    console.log(JSON.stringify({ ...test, Action: required ? "fail" : "skip" }));
  } else {
    console.error(why);
  }
  process.exit(required || !events ? 1 : 0);
}
const reporter = events ? ["--reporter=./scripts/playwright_events.mjs"] : [];
const run = spawnSync("npx", ["playwright", "test", ...reporter, ...rest], { stdio: "inherit", env: { ...process.env, HUBCAP_CHROMIUM: chromium } });
process.exit(run.status ?? 1);
