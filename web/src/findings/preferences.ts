import { useState } from "react";
import { columns, usualColumns } from "./columns";

/** How this browser shows the table. */
export interface Preferences {
  pageSize: number;
  columns: readonly string[];
  wrapLines: boolean;
  density: "comfortable" | "compact";
}

export const pageSizes = [25, 50, 100] as const;

const usual: Preferences = { pageSize: 50, columns: usualColumns, wrapLines: false, density: "comfortable" };
const place = "hubcap.findings.table";

function read(): Preferences {
  try {
    const kept = { ...usual, ...(JSON.parse(localStorage.getItem(place) ?? "{}") as Partial<Preferences>) };
    const known = kept.columns.filter((id) => columns.some((c) => c.id === id));
    return {
      pageSize: pageSizes.find((n) => n === kept.pageSize) ?? usual.pageSize,
      columns: known.length === 0 ? usualColumns : known,
      wrapLines: kept.wrapLines === true,
      density: kept.density === "compact" ? "compact" : "comfortable",
    };
  } catch {
    return usual; // what somebody else wrote there, or no storage
  }
}

export function usePreferences(): [Preferences, (p: Preferences) => void] {
  const [preferences, set] = useState(read);
  return [
    preferences,
    (p) => {
      set(p);
      try {
        localStorage.setItem(place, JSON.stringify(p));
      } catch {
        // kept until the page is left
      }
    },
  ];
}
