import { defineConfig } from "@playwright/test";

// The console in a real browser against the real binary (HUBCAP_BIN). `node scripts/browser.mjs` finds the browser.
export default defineConfig({
  testDir: "e2e",
  outputDir: "../bin/browser",
  workers: 1, // one browser, one hub: what is measured must not be disturbed
  fullyParallel: false,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: "list",
  use: {
    browserName: "chromium",
    headless: true,
    locale: "en-US",
    timezoneId: "UTC",
    colorScheme: "light",
    viewport: { width: 1440, height: 900 },
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env["HUBCAP_CHROMIUM"] ?? "chromium",
      args: [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "pages", testIgnore: "screenshots.spec.ts" },
    { name: "screenshots", testMatch: process.env["HUBCAP_SCREENSHOTS"] === undefined ? [] : "screenshots.spec.ts" },
  ],
});
