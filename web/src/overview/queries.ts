import { useQuery } from "@tanstack/react-query";
import { useHub } from "../api/context";

/** One day of /hubcap/v1/series. */
export interface SeriesDay {
  /** As 2026-11-22, a day of UTC. */
  Day: string;
  New: number;
  Severities: Record<string, number>;
  Resolved: number;
}

/** The answer of /hubcap/v1/series. */
export interface Series {
  From: string;
  To: string;
  Count: number;
  Open: number;
  Resolved: number;
  /** Whether the days' Resolved are counted, not estimated. */
  Exact: boolean;
  Days: SeriesDay[];
  TimeToResolve: { Findings: number; MeanSeconds: number; MedianSeconds: number };
}

export interface ValueCount {
  Value: string;
  Count: number;
}

/** The answer of /hubcap/v1/groups. */
export interface Groups {
  Count: number;
  Groups: { Attribute: string; Key?: string; Values: ValueCount[]; More: boolean; Missing: number }[];
}

/** The answer of /hubcap/v1/rates: a row a minute, the oldest first. */
export interface Rates {
  Minutes: { At: string; Requests: number; Accepted: number; Rejected: number }[];
}

/** A question of /hubcap/v1/groups. */
export interface GroupAsk {
  Attribute: string;
  Key?: string;
  MaxResults?: number;
}

export function useSeries(days: number) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "series", days],
    queryFn: ({ signal }) => hub.own<Series>("POST", "series", { body: { Days: days }, signal }),
  });
}

export function useGroups(where: string, groups: readonly GroupAsk[], enabled = true) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "groups", where, groups],
    queryFn: ({ signal }) => hub.own<Groups>("POST", "groups", { body: { Where: where === "" ? "all" : where, Groups: groups }, signal }),
    enabled,
  });
}

export function useRates() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "rates"],
    queryFn: ({ signal }) => hub.own<Rates>("GET", "rates", { query: { minutes: "60" }, signal }),
    refetchInterval: 30_000,
  });
}
