import { type FindingHistoryRecord, GetFindingHistoryCommand } from "@aws-sdk/client-securityhub";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useHub } from "../api/context";
import type { Finding } from "../findings/finding";
import { only } from "../findings/finding";
import { quote } from "../findings/where";

/** What an address names: a finding, or several of one name in different accounts and Regions. */
export interface Named {
  id: string;
  product: string;
  account: string | undefined;
  region: string | undefined;
}

export function namedBy(search: URLSearchParams): Named | undefined {
  const [id, product] = [search.get("id"), search.get("product")];
  return id === null || product === null ? undefined : { id, product, account: search.get("account") ?? undefined, region: search.get("region") ?? undefined };
}

export function whereOf(n: Named): string {
  const parts: [string, string | undefined][] = [["Id", n.id], ["ProductArn", n.product], ["AwsAccountId", n.account], ["Region", n.region]];
  return parts.flatMap(([name, value]) => (value === undefined ? [] : [`${name} = ${quote(value)}`])).join(" and ");
}

interface Page {
  Findings: Finding[];
  NextToken?: string;
}

/** The findings that an address names, up to 20. */
export function useNamed(n: Named) {
  const hub = useHub();
  const where = whereOf(n);
  return useQuery({
    queryKey: [...hub.cacheKey, "finding", where],
    queryFn: async ({ signal }) => (await hub.own<Page>("POST", "findings/search", { body: { Where: where, MaxResults: 20 }, signal })).Findings,
  });
}

export function useCount(where: string) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "finding", "count", where],
    queryFn: async ({ signal }) => (await hub.own<{ Count: number }>("POST", "findings/count", { body: { Where: where }, signal })).Count,
  });
}

/** The worst findings of a condition, of which this is one. */
export function useWorst(where: string, max: number) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "finding", "worst", where, max],
    queryFn: async ({ signal }) =>
      (await hub.own<Page>("POST", "findings/search", { body: { Where: where, MaxResults: max, SortCriteria: [{ Field: "SeverityNormalized", SortOrder: "desc" }] }, signal })).Findings,
  });
}

/** The finding's text as the hub keeps it: numbers keep the digits they came with. */
export function useText(f: Finding) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "finding", "text", only(f)],
    queryFn: async ({ signal }) => {
      const text = await new Response(await hub.stream("findings/export", { where: only(f) }, signal)).text();
      return text.split("\n").find((line) => line !== "");
    },
  });
}

/** What became of the finding, newest first. */
export function useHistory(f: Finding) {
  const hub = useHub();
  const identifier = { Id: f.Id, ProductArn: f.ProductArn };
  return useInfiniteQuery({
    queryKey: [...hub.cacheKey, "finding", "history", identifier],
    queryFn: async ({ pageParam, signal }): Promise<{ Records: FindingHistoryRecord[]; NextToken: string | undefined }> => {
      const answer = await hub.send(
        new GetFindingHistoryCommand({ FindingIdentifier: identifier, MaxResults: 25, ...(pageParam === "" ? {} : { NextToken: pageParam }) }),
        { abortSignal: signal },
      );
      return { Records: answer.Records ?? [], NextToken: answer.NextToken };
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.NextToken,
  });
}
