import "@cloudscape-design/global-styles/index.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { root as base } from "./findings/link";
import { App } from "./shell/app";
import { pageAt, pages } from "./shell/pages";

// The page that is looked at first is fetched at once, and not when it is known who looks.
void (pageAt(window.location.pathname.slice(base.length)) ?? pages[0])?.load().catch(() => undefined); // whoever shows the page tells

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
