import { root } from "../findings/link";

/** Follows links to the console's own pages without loading it anew. Others, and those opened in a new tab, are the browser's. */
export function followLinks(go: (to: string) => void): () => void {
  const follow = (e: MouseEvent) => {
    const link = e.target instanceof Element ? e.target.closest("a[href]") : null;
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || !(link instanceof HTMLAnchorElement) || link.target !== "") {
      return;
    }
    const to = new URL(link.href);
    if (to.origin === window.location.origin && to.pathname.startsWith(`${root}/`) && !link.hasAttribute("download")) {
      e.preventDefault();
      go(to.pathname.slice(root.length) + to.search);
    }
  };
  document.addEventListener("click", follow);
  return () => document.removeEventListener("click", follow);
}
