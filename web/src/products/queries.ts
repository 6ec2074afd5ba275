import { DescribeProductsCommand, ListEnabledProductsForImportCommand, type Product } from "@aws-sdk/client-securityhub";
import { useQuery } from "@tanstack/react-query";
import { useHub } from "../api/context";
import { everyPage } from "../api/pages";

export function useCatalogue() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "products"],
    queryFn: ({ signal }) =>
      everyPage<Product>(async (NextToken) => {
        const answer = await hub.send(new DescribeProductsCommand({ MaxResults: 100, NextToken }), { abortSignal: signal });
        return { items: answer.Products ?? [], next: answer.NextToken };
      }),
    staleTime: 300_000,
  });
}

export function useSubscriptions() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "subscriptions"],
    queryFn: ({ signal }) =>
      everyPage<string>(async (NextToken) => {
        const answer = await hub.send(new ListEnabledProductsForImportCommand({ MaxResults: 100, NextToken }), { abortSignal: signal });
        return { items: answer.ProductSubscriptions ?? [], next: answer.NextToken };
      }),
  });
}

/** When the newest finding of a condition was updated last; null where there is none. */
export function useLastSeen(where: string, enabled: boolean) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "last-seen", where],
    queryFn: async ({ signal }) => {
      const answer = await hub.own<{ Findings: { UpdatedAt?: string }[] }>("POST", "findings/search", {
        body: { Where: where, SortCriteria: [{ Field: "UpdatedAt", SortOrder: "desc" }], MaxResults: 1 },
        signal,
      });
      return answer.Findings[0]?.UpdatedAt ?? null;
    },
    enabled,
    staleTime: 30_000,
  });
}
