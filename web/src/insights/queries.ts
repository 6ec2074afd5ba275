import {
  CreateInsightCommand,
  DeleteInsightCommand,
  DescribeActionTargetsCommand,
  GetInsightResultsCommand,
  GetInsightsCommand,
  type AwsSecurityFindingFilters,
  type ActionTarget,
  type Insight,
  UpdateInsightCommand,
} from "@aws-sdk/client-securityhub";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useHub } from "../api/context";
import { everyPage } from "../api/pages";
import type { Filters } from "../findings/filter";
import { managedInsights } from "./managed";

const insightsKey = "insights";

/** All insights: the account's own, the oldest first, and those that every account has. */
export function useInsights() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, insightsKey],
    queryFn: async ({ signal }) => {
      const custom = await everyPage<Insight>(async (NextToken) => {
        const answer = await hub.send(new GetInsightsCommand({ MaxResults: 100, NextToken }), { abortSignal: signal });
        return { items: answer.Insights ?? [], next: answer.NextToken };
      });
      const managed = await hub.send(new GetInsightsCommand({ InsightArns: managedInsights(hub.session.region), MaxResults: 100 }), { abortSignal: signal });
      return [...custom, ...(managed.Insights ?? [])];
    },
    staleTime: 60_000,
  });
}

export function useInsight(arn: string) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, insightsKey, arn],
    queryFn: async ({ signal }) => (await hub.send(new GetInsightsCommand({ InsightArns: [arn] }), { abortSignal: signal })).Insights?.[0] ?? null,
  });
}

export function useInsightResults(arn: string) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, insightsKey, arn, "results"],
    queryFn: async ({ signal }) => {
      const answer = await hub.send(new GetInsightResultsCommand({ InsightArn: arn }), { abortSignal: signal });
      return (answer.InsightResults?.ResultValues ?? []).map((v) => ({ value: v.GroupByAttributeValue ?? "", count: v.Count ?? 0 }));
    },
  });
}

export function useActionTargets() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "action-targets"],
    queryFn: ({ signal }) =>
      everyPage<ActionTarget>(async (NextToken) => {
        const answer = await hub.send(new DescribeActionTargetsCommand({ MaxResults: 100, NextToken }), { abortSignal: signal });
        return { items: answer.ActionTargets ?? [], next: answer.NextToken };
      }),
  });
}

export interface InsightDraft {
  name: string;
  groupBy: string;
  filters: Filters;
}

/** Keeps an insight: a new one, or what became of one that there is. Answers its ARN. */
export function useSaveInsight(arn: string | undefined) {
  const hub = useHub();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async (draft: InsightDraft) => {
      // The control writes the members as the API names them; the SDK's types cannot know.
      const ask = { Name: draft.name, GroupByAttribute: draft.groupBy, Filters: draft.filters as AwsSecurityFindingFilters };
      if (arn === undefined) {
        return (await hub.send(new CreateInsightCommand(ask))).InsightArn ?? "";
      }
      await hub.send(new UpdateInsightCommand({ InsightArn: arn, ...ask }));
      return arn;
    },
    onSuccess: () => cache.invalidateQueries({ queryKey: [...hub.cacheKey, insightsKey] }),
  });
}

export function useDeleteInsight() {
  const hub = useHub();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (arn: string) => hub.send(new DeleteInsightCommand({ InsightArn: arn })),
    onSuccess: (_, arn) => {
      cache.removeQueries({ queryKey: [...hub.cacheKey, insightsKey, arn] });
      return cache.invalidateQueries({ queryKey: [...hub.cacheKey, insightsKey], exact: true });
    },
  });
}

/** Sends results to a custom action: all of them, or those of the values named. */
export function useSendToAction() {
  const hub = useHub();
  return useMutation({
    mutationFn: (ask: { target: string; insight: string; values: string[] | undefined }) =>
      hub.own("POST", `insight-actions/${ask.target.split("/").map(encodeURIComponent).join("/")}`, {
        body: { InsightArn: ask.insight, ...(ask.values === undefined ? {} : { Values: ask.values }) },
      }),
  });
}
