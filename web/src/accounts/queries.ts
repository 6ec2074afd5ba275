import {
  DescribeOrganizationConfigurationCommand,
  GetAdministratorAccountCommand,
  GetFindingAggregatorCommand,
  type Invitation,
  ListFindingAggregatorsCommand,
  ListInvitationsCommand,
  ListMembersCommand,
  ListOrganizationAdminAccountsCommand,
  type Member,
} from "@aws-sdk/client-securityhub";
import { useQuery } from "@tanstack/react-query";
import { useHub } from "../api/context";
import { everyPage } from "../api/pages";
import { problemOf } from "../api/problem";
import type { Aggregator, LinkingMode } from "./aggregation";
import type { OrganizationSettings } from "./organization";

/** Caches of what memberships decide begin so. */
export const accountsKey = "accounts";

export function useMembers() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, accountsKey, "members"],
    queryFn: ({ signal }) =>
      everyPage<Member>(async (NextToken) => {
        const answer = await hub.send(new ListMembersCommand({ OnlyAssociated: false, MaxResults: 50, NextToken }), { abortSignal: signal });
        return { items: answer.Members ?? [], next: answer.NextToken };
      }),
  });
}

export function useInvitations() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, accountsKey, "invitations"],
    queryFn: ({ signal }) =>
      everyPage<Invitation>(async (NextToken) => {
        const answer = await hub.send(new ListInvitationsCommand({ MaxResults: 30, NextToken }), { abortSignal: signal });
        return { items: answer.Invitations ?? [], next: answer.NextToken };
      }),
  });
}

/** Whose member this account is; null for nobody's. */
export function useAdministrator() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, accountsKey, "administrator"],
    queryFn: async ({ signal }) => (await hub.send(new GetAdministratorAccountCommand({}), { abortSignal: signal })).Administrator ?? null,
  });
}

/** The aggregator that this account lives under; null where there is none. */
export function useAggregator() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, accountsKey, "aggregator"],
    queryFn: async ({ signal }): Promise<Aggregator | null> => {
      const list = await hub.send(new ListFindingAggregatorsCommand({}), { abortSignal: signal });
      const arn = list.FindingAggregators?.[0]?.FindingAggregatorArn;
      if (arn === undefined) {
        return null;
      }
      const one = await hub.send(new GetFindingAggregatorCommand({ FindingAggregatorArn: arn }), { abortSignal: signal });
      return { arn, home: one.FindingAggregationRegion ?? "", mode: (one.RegionLinkingMode ?? "NO_REGIONS") as LinkingMode, regions: one.Regions ?? [] };
    },
  });
}

export interface OrganizationState {
  administrator: string | undefined;
  /** Why this account may not see who administers the organization. */
  hidden: string | undefined;
  settings: OrganizationSettings | undefined;
}

/** What this account may know of the organization. That it may not is an answer, and no failure. */
export function useOrganization() {
  const hub = useHub();
  return useQuery({
    queryKey: [...hub.cacheKey, accountsKey, "organization"],
    queryFn: async ({ signal }): Promise<OrganizationState> => {
      const state: OrganizationState = { administrator: undefined, hidden: undefined, settings: undefined };
      try {
        const admins = await hub.send(new ListOrganizationAdminAccountsCommand({}), { abortSignal: signal });
        state.administrator = admins.AdminAccounts?.[0]?.AccountId;
      } catch (e) {
        state.hidden = refusal(e);
      }
      if (state.administrator !== hub.session.account) {
        return state; // only the administrator may ask what it decided
      }
      try {
        const c = await hub.send(new DescribeOrganizationConfigurationCommand({}), { abortSignal: signal });
        state.settings = {
          autoEnable: c.AutoEnable ?? false,
          standards: c.AutoEnableStandards === "NONE" ? "NONE" : "DEFAULT",
          central: c.OrganizationConfiguration?.ConfigurationType === "CENTRAL",
          full: c.MemberAccountLimitReached ?? false,
        };
      } catch (e) {
        refusal(e);
      }
      return state;
    },
  });
}

/** The sentence of a hub that says no; anything else is thrown on. */
function refusal(e: unknown): string {
  const p = problemOf(e);
  if (p.passing || (p.code !== "InvalidAccessException" && p.code !== "AccessDeniedException")) {
    throw e;
  }
  return p.message;
}
