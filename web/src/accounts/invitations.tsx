import type { Invitation } from "@aws-sdk/client-securityhub";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { Moment } from "../findings/moment";
import { MemberState } from "./members";

export type InvitationAct = "accept" | "decline" | "delete";

interface InvitationsProps {
  invitations: readonly Invitation[];
  loading: boolean;
  busy: InvitationAct | undefined;
  onAct: (act: InvitationAct, invitation: Invitation) => void;
}

/** Whom this account was asked to become a member of. */
export function Invitations({ invitations, loading, busy, onAct }: InvitationsProps) {
  const button = (act: InvitationAct, label: string, i: Invitation) => (
    <Button loading={busy === act} disabled={busy !== undefined && busy !== act} ariaLabel={`${label} the invitation of ${i.AccountId}`} onClick={() => onAct(act, i)}>
      {label}
    </Button>
  );
  return (
    <Table
      header={
        <Header variant="h2" counter={loading ? undefined : `(${invitations.length})`} description="Who accepts shows its findings to the account that invited it.">
          Invitations to this account
        </Header>
      }
      items={invitations}
      loading={loading}
      loadingText="Loading invitations"
      trackBy="AccountId"
      ariaLabels={{ tableLabel: "Invitations to this account" }}
      empty={<Box color="text-body-secondary">No invitations.</Box>}
      columnDefinitions={[
        { id: "from", header: "From account", isRowHeader: true, cell: (i) => i.AccountId },
        { id: "state", header: "State", cell: (i) => <MemberState status={i.MemberStatus} /> },
        { id: "at", header: "Invited", cell: (i) => <Moment at={i.InvitedAt} /> },
        {
          id: "actions",
          header: "Actions",
          cell: (i) => (
            <SpaceBetween direction="horizontal" size="xs">
              {i.MemberStatus === "Invited" && button("accept", "Accept", i)}
              {i.MemberStatus === "Invited" && button("decline", "Decline", i)}
              {i.MemberStatus !== "Invited" && i.MemberStatus !== "Enabled" && button("delete", "Delete", i)}
            </SpaceBetween>
          ),
        },
      ]}
    />
  );
}
