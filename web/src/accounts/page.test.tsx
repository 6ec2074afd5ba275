import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { FakeHub, show } from "../testing/fake_hub";
import AccountsPage from "./page";

const answers = {
  ListMembers: () => ({
    Members: [
      { AccountId: "444455556666", MemberStatus: "Enabled" },
      { AccountId: "777788889999", MemberStatus: "Created" },
    ],
  }),
  ListInvitations: () => ({ Invitations: [] as unknown[] }),
  GetAdministratorAccount: () => ({}),
  ListFindingAggregators: () => ({ FindingAggregators: [] as unknown[] }),
  ListOrganizationAdminAccounts: () => {
    throw new Problem("Account 111122223333 is not the management account of an organization", "InvalidAccessException", 401);
  },
  "POST groups": () => ({ Count: 5, Groups: [{ Attribute: "AwsAccountId", Values: [{ Value: "444455556666", Count: 5 }] }, { Attribute: "Region", Values: [{ Value: "eu-west-9", Count: 1 }] }] }),
};

describe("AccountsPage", () => {
  it("shows members and their states, and that the organization is none of its business", async () => {
    show(<AccountsPage />, new FakeHub(answers));
    expect(await screen.findByText("Added, not invited yet")).toBeVisible();
    expect(await screen.findByText(/is not the management account/)).toBeVisible();
    expect(screen.queryByText("Not everything could be loaded")).toBeNull();
  });

  it("asks before memberships end", async () => {
    const hub = new FakeHub({ ...answers, DisassociateMembers: () => ({}) });
    show(<AccountsPage />, hub);
    await userEvent.click(await screen.findByRole("checkbox", { name: "Choose 444455556666" }));
    expect(screen.getByRole("button", { name: "Invite" })).toBeDisabled();
    expect(screen.getByRole("button", { name: "Delete" })).toBeDisabled();
    await userEvent.click(screen.getByRole("button", { name: "Disassociate" }));
    const dialog = await screen.findByRole("dialog");
    expect(hub.asks("DisassociateMembers")).toEqual([]);
    await userEvent.click(within(dialog).getByRole("button", { name: "Disassociate" }));
    expect(await screen.findByText("Account 444455556666 was disassociated.")).toBeInTheDocument();
    expect(hub.asks("DisassociateMembers")).toEqual([{ AccountIds: ["444455556666"] }]);
  });

  it("adds and invites accounts, and tells who was refused", async () => {
    const hub = new FakeHub({
      ...answers,
      CreateMembers: () => ({ UnprocessedAccounts: [{ AccountId: "222233334444", ProcessingResult: "already a member of another" }] }),
      InviteMembers: () => ({ UnprocessedAccounts: [] }),
    });
    show(<AccountsPage />, hub);
    await userEvent.click(await screen.findByRole("button", { name: "Add accounts" }));
    const dialog = await screen.findByRole("dialog");
    await userEvent.type(within(dialog).getByLabelText("Accounts"), "222233334444 333344445555");
    await userEvent.click(within(dialog).getByRole("button", { name: "Add 2 accounts" }));
    expect(await within(dialog).findByText(/already a member of another/)).toBeVisible();
    expect(hub.asks("InviteMembers")).toEqual([{ AccountIds: ["333344445555"] }]);
  });

  it("accepts an invitation", async () => {
    const hub = new FakeHub({
      ...answers,
      ListInvitations: () => ({ Invitations: [{ AccountId: "999988887777", InvitationId: "i-1", MemberStatus: "Invited" }] }),
      AcceptAdministratorInvitation: () => ({}),
    });
    show(<AccountsPage />, hub);
    await userEvent.click(await screen.findByRole("button", { name: "Accept the invitation of 999988887777" }));
    expect(await screen.findByText(/was accepted/)).toBeInTheDocument();
    expect(hub.asks("AcceptAdministratorInvitation")).toEqual([{ AdministratorId: "999988887777", InvitationId: "i-1" }]);
  });

  it("links Regions: those named, and none without a name", async () => {
    const hub = new FakeHub({ ...answers, CreateFindingAggregator: () => ({}) });
    show(<AccountsPage />, hub);
    await userEvent.click(await screen.findByRole("button", { name: "Aggregate Regions" }));
    await userEvent.click(screen.getByRole("radio", { name: "Some Regions" }));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(screen.getByText("Name at least one Region.")).toBeVisible();
    expect(hub.asks("CreateFindingAggregator")).toEqual([]);
    await userEvent.click(screen.getByRole("radio", { name: "All Regions" }));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("The linked Regions were changed.")).toBeInTheDocument();
    expect(hub.asks("CreateFindingAggregator")).toEqual([{ RegionLinkingMode: "ALL_REGIONS" }]);
  });
});
