import {
  type AutomationRulesConfig,
  type AutomationRulesMetadata,
  BatchDeleteAutomationRulesCommand,
  BatchGetAutomationRulesCommand,
  BatchUpdateAutomationRulesCommand,
  ListAutomationRulesCommand,
  type UnprocessedAutomationRule,
  type UpdateAutomationRulesRequestItem,
} from "@aws-sdk/client-securityhub";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useHub } from "../api/context";
import { everyPage } from "../api/pages";
import { Problem } from "../api/problem";
import { type ChosenRule, isOver, type Job, type Trial } from "./queries";

const rulesKey = "rules";

/** The rules in the order in which they act. */
export function useRules() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, rulesKey],
    queryFn: ({ signal }) =>
      everyPage<AutomationRulesMetadata>(async (NextToken) => {
        const answer = await hub.send(new ListAutomationRulesCommand({ MaxResults: 100, NextToken }), { abortSignal: signal });
        return { items: answer.AutomationRulesMetadata ?? [], next: answer.NextToken };
      }),
  });
}

/** One rule with its criteria and action. */
export function useRule(arn: string) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, rulesKey, arn],
    queryFn: async ({ signal }): Promise<AutomationRulesConfig | null> => {
      const answer = await hub.send(new BatchGetAutomationRulesCommand({ AutomationRulesArns: [arn] }), { abortSignal: signal });
      return answer.Rules?.[0] ?? null;
    },
  });
}

/** How many rules one request changes. */
const batch = 100;

/** Changes rules, one after another in the order given. What the hub did not change is an error. */
export function useUpdateRules() {
  const hub = useHub();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async (items: UpdateAutomationRulesRequestItem[]) => {
      for (let at = 0; at < items.length; at += batch) {
        const answer = await hub.send(new BatchUpdateAutomationRulesCommand({ UpdateAutomationRulesRequestItems: items.slice(at, at + batch) }));
        mustBeEmpty(answer.UnprocessedAutomationRules);
      }
    },
    onSettled: () => cache.invalidateQueries({ queryKey: [...hub.cacheKey, rulesKey] }),
  });
}

export function useDeleteRule() {
  const hub = useHub();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async (arn: string) => {
      const answer = await hub.send(new BatchDeleteAutomationRulesCommand({ AutomationRulesArns: [arn] }));
      mustBeEmpty(answer.UnprocessedAutomationRules);
    },
    onSettled: () => cache.invalidateQueries({ queryKey: [...hub.cacheKey, rulesKey], exact: true }),
  });
}

function mustBeEmpty(left: readonly UnprocessedAutomationRule[] | undefined) {
  const first = left?.[0];
  if (first !== undefined) {
    throw new Problem(first.ErrorMessage ?? "The rule was not changed.", "Unprocessed", first.ErrorCode ?? 400);
  }
}

/** What a rule would change of what is stored. It changes nothing. */
export function useTry() {
  const hub = useHub();
  return useMutation({ mutationFn: (rule: ChosenRule) => hub.own<Trial>("POST", "automation-rules/try", { body: rule }) });
}

/** Starts a job that lets a rule act on what is stored. */
export function useRun() {
  const hub = useHub();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async (rule: ChosenRule) => (await hub.own<{ Job: Job }>("POST", "automation-rules/run", { body: rule })).Job,
    onSuccess: () => cache.invalidateQueries({ queryKey: [...hub.cacheKey, "jobs"] }),
  });
}

/** A job, looked at every second until it is over. */
export function useJob(id: string) {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, "jobs", id],
    queryFn: async ({ signal }) => (await hub.own<{ Job: Job }>("GET", `jobs/${encodeURIComponent(id)}`, { signal })).Job,
    refetchInterval: (q) => (q.state.data !== undefined && isOver(q.state.data) ? false : 1_000),
  });
}

/** Stops a job, or takes it back. Answers the job to look at now. */
export function useSteer() {
  const hub = useHub();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async ({ id, what }: { id: string; what: "cancel" | "undo" }) =>
      (await hub.own<{ Job: Job }>("POST", `jobs/${encodeURIComponent(id)}/${what}`)).Job,
    onSettled: () => cache.invalidateQueries({ queryKey: [...hub.cacheKey, "jobs"] }),
  });
}
