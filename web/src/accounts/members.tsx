import type { Member } from "@aws-sdk/client-securityhub";
import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useState } from "react";
import { Moment } from "../findings/moment";
import { pageLabels } from "../shell/page_labels";

/** What becomes of a membership: the words of the API, and what they mean. */
const states: Record<string, { type: StatusIndicatorProps.Type; text: string }> = {
  Created: { type: "pending", text: "Added, not invited yet" },
  Invited: { type: "in-progress", text: "Invited, no answer yet" },
  Enabled: { type: "success", text: "Member" },
  Removed: { type: "stopped", text: "Removed" },
  Resigned: { type: "stopped", text: "Left or declined" },
  AccountSuspended: { type: "warning", text: "Suspended in the organization" },
};

export function MemberState({ status }: { status: string | undefined }) {
  const s = states[status ?? ""];
  return s === undefined ? <>{status ?? "–"}</> : <StatusIndicator type={s.type}>{s.text}</StatusIndicator>;
}

/** What can be done to members of which state. */
export const canInvite = (m: Member) => ["Created", "Invited", "Removed", "Resigned"].includes(m.MemberStatus ?? "");
export const canDisassociate = (m: Member) => ["Created", "Invited", "Enabled"].includes(m.MemberStatus ?? "");
export const canDelete = (m: Member) => m.MemberStatus !== "Enabled";

export type MemberAct = "invite" | "disassociate" | "delete";

interface MembersProps {
  members: readonly Member[];
  loading: boolean;
  /** Why there can be no members here; undefined where there can. */
  blocked: string | undefined;
  busy: MemberAct | undefined;
  findings: (account: string) => string;
  counts: ReadonlyMap<string, number>;
  onAdd: () => void;
  onAct: (act: MemberAct, accounts: string[]) => void;
  onRefresh: () => void;
}

/** The accounts that an administrator has. */
export function Members({ members, loading, blocked, busy, findings, counts, onAdd, onAct, onRefresh }: MembersProps) {
  const [selected, setSelected] = useState<readonly Member[]>([]);
  const { items, collectionProps, filterProps, paginationProps, filteredItemsCount } = useCollection(members, {
    filtering: { empty: <NoMembers blocked={blocked} />, noMatch: "No account matches." },
    sorting: { defaultState: { sortingColumn: { sortingField: "AccountId" } } },
    pagination: { pageSize: 20 },
  });
  // What was selected may have changed, or gone, meanwhile.
  const chosen = selected.flatMap((s) => members.filter((m) => m.AccountId === s.AccountId));
  const act = (what: MemberAct, may: (m: Member) => boolean, label: string) => {
    const reached = chosen.filter(may);
    return (
      <Button disabled={reached.length === 0} loading={busy === what} onClick={() => onAct(what, reached.map((m) => m.AccountId ?? ""))}>
        {label}
      </Button>
    );
  };
  return (
    <Table
      {...collectionProps}
      header={
        <Header
          variant="h2"
          counter={loading ? undefined : chosen.length > 0 ? `(${chosen.length}/${members.length})` : `(${members.length})`}
          description="Accounts whose findings this account sees and works off, in this Region."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel="Refresh the members" onClick={onRefresh} />
              {act("delete", canDelete, "Delete")}
              {act("disassociate", canDisassociate, "Disassociate")}
              {act("invite", canInvite, "Invite")}
              <Button variant="primary" disabled={blocked !== undefined} onClick={onAdd}>
                Add accounts
              </Button>
            </SpaceBetween>
          }
        >
          Members
        </Header>
      }
      items={items}
      loading={loading}
      loadingText="Loading members"
      selectionType="multi"
      selectedItems={chosen}
      onSelectionChange={({ detail }) => setSelected(detail.selectedItems)}
      trackBy="AccountId"
      ariaLabels={{
        tableLabel: "Members",
        selectionGroupLabel: "Choose members",
        allItemsSelectionLabel: () => "Choose all members of this page",
        itemSelectionLabel: (_, m) => `Choose ${m.AccountId}`,
      }}
      filter={<TextFilter {...filterProps} filteringPlaceholder="Find an account" filteringAriaLabel="Find an account" countText={`${filteredItemsCount ?? 0} accounts`} />}
      pagination={<Pagination {...paginationProps} ariaLabels={pageLabels} />}
      columnDefinitions={[
        { id: "account", header: "Account", sortingField: "AccountId", isRowHeader: true, cell: (m) => m.AccountId },
        { id: "email", header: "Email", sortingField: "Email", cell: (m) => m.Email ?? "–" },
        { id: "state", header: "State", sortingField: "MemberStatus", cell: (m) => <MemberState status={m.MemberStatus} /> },
        {
          id: "findings",
          header: "Findings",
          cell: (m) => {
            const n = counts.get(m.AccountId ?? "") ?? 0;
            return n === 0 ? "0" : <Link href={findings(m.AccountId ?? "")}>{n.toLocaleString("en")}</Link>;
          },
        },
        { id: "invited", header: "Invited", sortingField: "InvitedAt", cell: (m) => <Moment at={m.InvitedAt} /> },
        { id: "updated", header: "Updated", sortingField: "UpdatedAt", cell: (m) => <Moment at={m.UpdatedAt} /> },
      ]}
    />
  );
}

function NoMembers({ blocked }: { blocked: string | undefined }) {
  return (
    <Box textAlign="center" padding="s">
      <Box variant="strong">No members</Box>
      <Box color="text-body-secondary">{blocked ?? "Add accounts and invite them: when they accept, their findings are shown here too."}</Box>
    </Box>
  );
}
