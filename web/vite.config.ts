import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The hub that `npm run dev` asks.
const hub = process.env["HUBCAP_ENDPOINT"] ?? "http://127.0.0.1:4510";

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  build: { outDir: "dist", assetsDir: "assets", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: {
    // All but the application's own files is the hub's. The Host header stays: signatures cover it, and it must agree with Origin.
    proxy: { "^/(?!console/(?!hub\\.json))": { target: hub } },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], environment: "jsdom", setupFiles: ["./src/testing/setup.ts"], restoreMocks: true, testTimeout: 60_000 },
});
