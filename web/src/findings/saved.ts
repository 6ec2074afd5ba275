import { useCallback, useState } from "react";

/** A view with a name: what its address says. */
export interface SavedView {
  name: string;
  search: string;
}

const place = "hubcap.findings.views";

function read(): SavedView[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(place) ?? "[]");
    return Array.isArray(list) ? list.filter((v): v is SavedView => typeof v === "object" && v !== null && typeof v.name === "string" && typeof v.search === "string") : [];
  } catch {
    return []; // what somebody else wrote there, or no storage
  }
}

/** The views that this browser keeps. */
export function useSavedViews(): { views: readonly SavedView[]; save: (v: SavedView) => void; remove: (name: string) => void } {
  const [views, setViews] = useState(read);
  const write = useCallback((next: SavedView[]) => {
    setViews(next);
    try {
      localStorage.setItem(place, JSON.stringify(next));
    } catch {
      // kept until the page is left
    }
  }, []);
  return {
    views,
    save: (v) => write([...views.filter((o) => o.name !== v.name), v].sort((a, b) => a.name.localeCompare(b.name))),
    remove: (name) => write(views.filter((v) => v.name !== name)),
  };
}
