import {
  AcceptAdministratorInvitationCommand,
  CreateFindingAggregatorCommand,
  CreateMembersCommand,
  DeclineInvitationsCommand,
  DeleteFindingAggregatorCommand,
  DeleteInvitationsCommand,
  DeleteMembersCommand,
  DisableOrganizationAdminAccountCommand,
  DisassociateFromAdministratorAccountCommand,
  DisassociateMembersCommand,
  EnableOrganizationAdminAccountCommand,
  type Invitation,
  InviteMembersCommand,
  type Result,
  UpdateFindingAggregatorCommand,
  UpdateOrganizationConfigurationCommand,
} from "@aws-sdk/client-securityhub";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { findingsHref } from "../findings/link";
import { equals } from "../overview/conditions";
import { useGroups } from "../overview/queries";
import { Confirm } from "../shell/confirm";
import { useNotify } from "../shell/notify";
import { AddAccounts, type NewAccount } from "./add_accounts";
import { Aggregation, type LinkingMode } from "./aggregation";
import { type InvitationAct, Invitations } from "./invitations";
import { type MemberAct, Members } from "./members";
import { Organization, type OrganizationSettings } from "./organization";
import { regionsBeside } from "./regions";
import { useAdministrator, useAggregator, useInvitations, useMembers, useOrganization } from "./queries";

type Question =
  | { kind: "members"; act: Exclude<MemberAct, "invite">; accounts: string[] }
  | { kind: "leave"; administrator: string }
  | { kind: "aggregator"; arn: string }
  | { kind: "revoke"; account: string };

/** What this account is to others, and which Regions are seen together. */
export default function AccountsPage() {
  const hub = useHub();
  const notify = useNotify();
  const cache = useQueryClient();
  const members = useMembers();
  const invitations = useInvitations();
  const administrator = useAdministrator();
  const aggregator = useAggregator();
  const organization = useOrganization();
  const counts = useGroups("", [
    { Attribute: "AwsAccountId", MaxResults: 1000 },
    { Attribute: "Region", MaxResults: 100 },
  ]);
  const [adding, setAdding] = useState(false);
  const [refused, setRefused] = useState<Result[]>([]);
  const [question, setQuestion] = useState<Question>();

  // A membership decides what is seen: nothing that was read before holds any more.
  const settled = { onSettled: () => cache.invalidateQueries({ queryKey: hub.cacheKey }) };
  const tellRefused = (list: readonly Result[] | undefined, done: string) => {
    for (const r of list ?? []) {
      notify({ type: "warning", header: `Account ${r.AccountId ?? ""}`, content: r.ProcessingResult ?? "It was not changed." });
    }
    if ((list ?? []).length === 0) {
      notify({ type: "success", content: done });
    }
  };

  const add = useMutation({
    mutationFn: async ({ accounts, invite }: { accounts: NewAccount[]; invite: boolean }) => {
      const created = await hub.send(new CreateMembersCommand({ AccountDetails: accounts }));
      const left = created.UnprocessedAccounts ?? [];
      const taken = accounts.map((a) => a.AccountId).filter((id) => !left.some((r) => r.AccountId === id));
      // Accounts of the organization are members at once; the hub then has nobody to invite, and says so.
      const invited = invite && taken.length > 0 ? await hub.send(new InviteMembersCommand({ AccountIds: taken })) : undefined;
      return { left, taken, notInvited: (invited?.UnprocessedAccounts ?? []).filter((r) => !/already a member/.test(r.ProcessingResult ?? "")) };
    },
    onSuccess: ({ left, taken, notInvited }) => {
      if (taken.length > 0) {
        notify({ type: "success", content: taken.length === 1 ? `Account ${taken[0] ?? ""} was added.` : `${taken.length} accounts were added.` });
      }
      setRefused([...left, ...notInvited]);
      setAdding(left.length + notInvited.length > 0);
    },
    ...settled,
  });
  const act = useMutation({
    mutationFn: async ({ what, accounts }: { what: MemberAct; accounts: string[] }) => {
      switch (what) {
        case "invite":
          return (await hub.send(new InviteMembersCommand({ AccountIds: accounts }))).UnprocessedAccounts;
        case "delete":
          return (await hub.send(new DeleteMembersCommand({ AccountIds: accounts }))).UnprocessedAccounts;
        case "disassociate":
          await hub.send(new DisassociateMembersCommand({ AccountIds: accounts }));
          return [];
      }
    },
    onSuccess: (left, { what, accounts }) => {
      setQuestion(undefined);
      tellRefused(left, `${accounts.length === 1 ? `Account ${accounts[0] ?? ""} was` : `${accounts.length} accounts were`} ${done[what]}.`);
    },
    ...settled,
  });
  const answer = useMutation({
    mutationFn: async ({ what, invitation }: { what: InvitationAct; invitation: Invitation }) => {
      const from = invitation.AccountId ?? "";
      switch (what) {
        case "accept":
          await hub.send(new AcceptAdministratorInvitationCommand({ AdministratorId: from, InvitationId: invitation.InvitationId }));
          return [];
        case "decline":
          return (await hub.send(new DeclineInvitationsCommand({ AccountIds: [from] }))).UnprocessedAccounts;
        case "delete":
          return (await hub.send(new DeleteInvitationsCommand({ AccountIds: [from] }))).UnprocessedAccounts;
      }
    },
    onSuccess: (left, { what, invitation }) => tellRefused(left, `The invitation of account ${invitation.AccountId ?? ""} was ${done[what]}.`),
    ...settled,
  });
  const leave = useMutation({
    mutationFn: () => hub.send(new DisassociateFromAdministratorAccountCommand({})),
    onSuccess: () => {
      setQuestion(undefined);
      notify({ type: "success", content: "This account is nobody's member any more." });
    },
    ...settled,
  });
  const link = useMutation({
    mutationFn: async ({ mode, regions }: { mode: LinkingMode; regions: string[]; done: () => void }) => {
      const ask = { RegionLinkingMode: mode, ...(regions.length === 0 ? {} : { Regions: regions }) };
      const old = aggregator.data;
      await (old == null
        ? hub.send(new CreateFindingAggregatorCommand(ask))
        : hub.send(new UpdateFindingAggregatorCommand({ FindingAggregatorArn: old.arn, ...ask })));
    },
    onSuccess: (_, { done: close }) => {
      close();
      notify({ type: "success", content: "The linked Regions were changed." });
    },
    ...settled,
  });
  const unlink = useMutation({
    mutationFn: (arn: string) => hub.send(new DeleteFindingAggregatorCommand({ FindingAggregatorArn: arn })),
    onSuccess: () => {
      setQuestion(undefined);
      notify({ type: "success", content: "Each Region is seen by itself now." });
    },
    ...settled,
  });
  const designate = useMutation({
    mutationFn: (account: string) => hub.send(new EnableOrganizationAdminAccountCommand({ AdminAccountId: account })),
    onSuccess: (_, account) => notify({ type: "success", content: `Account ${account} administers the organization in ${hub.session.region}.` }),
    ...settled,
  });
  const revoke = useMutation({
    mutationFn: (account: string) => hub.send(new DisableOrganizationAdminAccountCommand({ AdminAccountId: account })),
    onSuccess: () => {
      setQuestion(undefined);
      notify({ type: "success", content: "Nobody administers the organization here now." });
    },
    ...settled,
  });
  const configure = useMutation({
    mutationFn: (s: OrganizationSettings) =>
      hub.send(
        new UpdateOrganizationConfigurationCommand({
          AutoEnable: s.autoEnable,
          AutoEnableStandards: s.standards,
          OrganizationConfiguration: { ConfigurationType: s.central ? "CENTRAL" : "LOCAL" },
        }),
      ),
    onSuccess: () => notify({ type: "success", content: "What becomes of new accounts was changed." }),
    ...settled,
  });

  const reads = [members, invitations, administrator, aggregator, organization, counts];
  const failed = reads.filter((q) => q.isError);
  const ask = (q: Question) => {
    for (const m of [act, leave, unlink, revoke]) {
      m.reset();
    }
    setQuestion(q);
  };
  const admin = administrator.data;
  const values = (i: number) => counts.data?.Groups[i]?.Values ?? [];

  return (
    <ContentLayout header={<Header variant="h1" description={`Account ${hub.session.account} in ${hub.session.region}`}>Accounts and Regions</Header>}>
      <SpaceBetween size="l">
        {failed[0] !== undefined && <Failure error={failed[0].error} what="Not everything could be loaded" retry={() => failed.forEach((q) => void q.refetch())} />}
        {admin != null && (
          <Alert
            type="info"
            header={`This account is a member of account ${admin.AccountId ?? ""}`}
            action={<Button onClick={() => ask({ kind: "leave", administrator: admin.AccountId ?? "" })}>Leave</Button>}
          >
            The administrator sees and works off its findings; its automation rules act on them.
          </Alert>
        )}
        {answer.isError && <Failure error={answer.error} what="The invitation could not be answered" />}
        {act.isError && question === undefined && <Failure error={act.error} what="The accounts could not be changed" />}
        <Members
          members={members.data ?? []}
          loading={members.isPending}
          blocked={admin == null ? undefined : "A member has no members of its own."}
          busy={act.isPending ? act.variables.what : undefined}
          counts={new Map(values(0).map((v) => [v.Value, v.Count]))}
          findings={(account) => findingsHref(equals("AwsAccountId", account))}
          onAdd={() => {
            add.reset();
            setRefused([]);
            setAdding(true);
          }}
          onAct={(what, accounts) => (what === "invite" ? act.mutate({ what, accounts }) : ask({ kind: "members", act: what, accounts }))}
          onRefresh={() => void members.refetch()}
        />
        <Invitations
          invitations={invitations.data ?? []}
          loading={invitations.isPending}
          busy={answer.isPending ? answer.variables.what : undefined}
          onAct={(what, invitation) => answer.mutate({ what, invitation })}
        />
        <Aggregation
          aggregator={aggregator.data ?? undefined}
          loading={aggregator.isPending}
          region={hub.session.region}
          known={[...new Set([...values(1).map((v) => v.Value), ...regionsBeside(hub.session.region)])]}
          busy={link.isPending}
          error={link.isError && <Failure error={link.error} what="The Regions could not be linked" />}
          onSave={(mode, named, close) => link.mutate({ mode, regions: named, done: close })}
          onDelete={() => aggregator.data != null && ask({ kind: "aggregator", arn: aggregator.data.arn })}
        />
        <Organization
          account={hub.session.account}
          administrator={organization.data?.administrator}
          hidden={organization.data?.hidden}
          settings={organization.data?.settings}
          loading={organization.isPending}
          busy={designate.isPending || configure.isPending}
          error={
            (designate.isError && <Failure error={designate.error} what="The administrator could not be designated" />) ||
            (configure.isError && <Failure error={configure.error} what="The configuration could not be changed" />)
          }
          onDesignate={(account) => designate.mutate(account)}
          onRevoke={(account) => ask({ kind: "revoke", account })}
          onSave={(s) => configure.mutate(s)}
        />
      </SpaceBetween>
      {adding && (
        <AddAccounts
          busy={add.isPending}
          error={add.isError && <Failure error={add.error} what="The accounts could not be added" />}
          refused={refused}
          onAdd={(accounts, invite) => add.mutate({ accounts, invite })}
          onClose={() => setAdding(false)}
        />
      )}
      {question?.kind === "members" && (
        <Confirm
          title={question.act === "delete" ? "Take the accounts off the list?" : "End the memberships?"}
          action={question.act === "delete" ? "Delete" : "Disassociate"}
          busy={act.isPending}
          error={act.isError && <Failure error={act.error} what="The accounts could not be changed" />}
          onConfirm={() => act.mutate({ what: question.act, accounts: question.accounts })}
          onClose={() => setQuestion(undefined)}
        >
          {question.accounts.join(", ")}.{" "}
          {question.act === "delete" ? "They can be added again." : "Their findings stay theirs and are not seen here any more. Open invitations are withdrawn."}
        </Confirm>
      )}
      {question?.kind === "leave" && (
        <Confirm
          title={`Leave account ${question.administrator}?`}
          action="Leave"
          busy={leave.isPending}
          error={leave.isError && <Failure error={leave.error} what="The membership could not be ended" />}
          onConfirm={() => leave.mutate()}
          onClose={() => setQuestion(undefined)}
        >
          The administrator sees the findings of this account no more, and must invite it again to change that.
        </Confirm>
      )}
      {question?.kind === "aggregator" && (
        <Confirm
          title="Stop aggregating Regions?"
          action="Stop aggregating"
          busy={unlink.isPending}
          error={unlink.isError && <Failure error={unlink.error} what="The aggregator could not be deleted" />}
          onConfirm={() => unlink.mutate(question.arn)}
          onClose={() => setQuestion(undefined)}
        >
          The findings stay where they are; each Region is seen by itself.
        </Confirm>
      )}
      {question?.kind === "revoke" && (
        <Confirm
          title={`End the designation of account ${question.account}?`}
          action="End the designation"
          busy={revoke.isPending}
          error={revoke.isError && <Failure error={revoke.error} what="The designation could not be ended" />}
          onConfirm={() => revoke.mutate(question.account)}
          onClose={() => setQuestion(undefined)}
        >
          Its memberships by organization end with it, and what it decided for new accounts is forgotten.
        </Confirm>
      )}
    </ContentLayout>
  );
}

const done = {
  invite: "invited",
  delete: "deleted",
  disassociate: "disassociated",
  accept: "accepted",
  decline: "declined",
} as const;
