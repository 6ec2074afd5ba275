import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useHub } from "../api/context";
import type { Groups } from "../overview/queries";
import { toWhere } from "./filter";
import type { Finding } from "./finding";
import type { View } from "./view";

interface Page {
  Findings: Finding[];
  NextToken?: string;
}

/** The findings of a view, page after page. */
export function useFindings(v: View, pageSize: number) {
  const hub = useHub();
  const where = toWhere(v.condition);
  return useInfiniteQuery({
    queryKey: [...hub.cacheKey, "findings", where, v.sort, v.descending, pageSize],
    queryFn: ({ pageParam, signal }) =>
      hub.own<Page>("POST", "findings/search", {
        body: {
          ...(where === "" ? {} : { Where: where }),
          SortCriteria: [{ Field: v.sort, SortOrder: v.descending ? "desc" : "asc" }],
          MaxResults: pageSize,
          ...(pageParam === "" ? {} : { NextToken: pageParam }),
        },
        signal,
      }),
    initialPageParam: "",
    getNextPageParam: (page) => page.NextToken,
    placeholderData: keepPreviousData,
  });
}

/** The attributes that stand beside the table, to choose values of; how many values there usually are of those that are not folded. */
export const facets = [
  { attribute: "SeverityLabel", name: "Severity", usually: 5 },
  { attribute: "WorkflowStatus", name: "Workflow status", usually: 4 },
  { attribute: "RecordState", name: "Record state", usually: 2 },
  { attribute: "ComplianceStatus", name: "Compliance", usually: 4 },
  { attribute: "ProductName", name: "Product", usually: 8 },
  { attribute: "AwsAccountId", name: "Account", usually: 0 },
  { attribute: "Region", name: "Region", usually: 0 },
  { attribute: "ResourceType", name: "Resource type", usually: 0 },
] as const;

/** How many findings a view has, and how many have which values: those of each facet without what is chosen in it. */
export function useFacets(where: string) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "facets", where],
    queryFn: ({ signal }) =>
      hub.own<Groups>("POST", "groups", {
        body: { Where: where === "" ? "all" : where, Groups: facets.map((f) => ({ Attribute: f.attribute, Except: true, MaxResults: 12 })) },
        signal,
      }),
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  });
}
