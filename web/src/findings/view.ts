import { useMemo } from "react";
import { useSearchParams } from "react-router";
import { type Condition, everything, fromWhere, toWhere } from "./filter";

/** What the page shows: which findings, in which order. It stands in the address, so that it can be kept and passed on. */
export interface View {
  condition: Condition;
  /** A filter attribute. */
  sort: string;
  descending: boolean;
}

export const usualView: View = { condition: everything, sort: "UpdatedAt", descending: true };

export function viewOf(search: URLSearchParams): View {
  const where = search.get("where");
  return {
    condition: where === null ? everything : fromWhere(where),
    sort: search.get("sort") ?? usualView.sort,
    descending: (search.get("order") ?? "desc") === "desc",
  };
}

export function searchOf(v: View): URLSearchParams {
  const search = new URLSearchParams();
  const where = toWhere(v.condition);
  if (where !== "") {
    search.set("where", where);
  }
  if (v.sort !== usualView.sort) {
    search.set("sort", v.sort);
  }
  if (!v.descending) {
    search.set("order", "asc");
  }
  return search;
}

/** The view of the address, and how to go to another. */
export function useView(): [View, (v: View) => void] {
  const [search, setSearch] = useSearchParams();
  const view = useMemo(() => viewOf(search), [search]);
  return [view, (v) => setSearch(searchOf(v))];
}
