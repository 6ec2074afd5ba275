import { useSyncExternalStore } from "react";

/** A view with a name: what its address says. */
export interface SavedView {
  name: string;
  search: string;
}

const place = "hubcap.findings.views";

function isView(v: unknown): v is SavedView {
  const view = v as Partial<SavedView> | null;
  return typeof view === "object" && view !== null && typeof view.name === "string" && typeof view.search === "string";
}

function read(): SavedView[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(place) ?? "[]");
    return Array.isArray(list) ? list.filter(isView) : [];
  } catch {
    return []; // what somebody else wrote there, or no storage
  }
}

// One list for all who show it: a view that is saved in one place is at once in the others, those of other tabs too.
let views: readonly SavedView[] | undefined;
const watching = new Set<() => void>();

function tell(next: readonly SavedView[] | undefined): void {
  views = next;
  for (const changed of watching) {
    changed();
  }
}

function onStorage(e: StorageEvent): void {
  if (e.key === place || e.key === null) {
    tell(undefined); // read anew
  }
}

function watch(changed: () => void): () => void {
  if (watching.size === 0) {
    views = undefined; // nobody heard what became of it in between
    window.addEventListener("storage", onStorage);
  }
  watching.add(changed);
  return () => {
    watching.delete(changed);
    if (watching.size === 0) {
      window.removeEventListener("storage", onStorage);
    }
  };
}

function current(): readonly SavedView[] {
  views ??= read();
  return views;
}

function write(next: readonly SavedView[]): void {
  try {
    localStorage.setItem(place, JSON.stringify(next));
  } catch {
    // kept until the page is left
  }
  tell(next);
}

const save = (v: SavedView) => write([...current().filter((o) => o.name !== v.name), v].sort((a, b) => a.name.localeCompare(b.name)));
const remove = (name: string) => write(current().filter((v) => v.name !== name));

/** The views that this browser keeps. */
export function useSavedViews(): { views: readonly SavedView[]; save: (v: SavedView) => void; remove: (name: string) => void } {
  return { views: useSyncExternalStore(watch, current), save, remove };
}
