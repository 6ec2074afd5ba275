import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { FakeHub, show } from "../testing/fake_hub";
import AutomationRulesPage from "./page";
import type { Job, Trial } from "./queries";
import { RulesPage } from "./rules";

const kept = [
  { RuleArn: "arn:a", RuleName: "First", Description: "one", RuleOrder: 1, RuleStatus: "ENABLED", IsTerminal: true },
  { RuleArn: "arn:b", RuleName: "Second", Description: "<b>two</b>", RuleOrder: 2, RuleStatus: "DISABLED" },
];
const list = { ListAutomationRules: () => ({ AutomationRulesMetadata: kept }) };
const trial: Trial = {
  Matching: 3,
  Examined: 3,
  WouldChange: 2,
  CouldNot: 0,
  Complete: true,
  Samples: [
    {
      AwsAccountId: "111122223333",
      FindingIdentifier: { Id: "x", ProductArn: "arn:p" },
      Title: "<img src=x onerror=alert(1)>",
      Updates: [{ UpdatedField: "Workflow.Status", OldValue: "NEW", NewValue: "SUPPRESSED" }],
    },
  ],
};
const job: Job = {
  JobId: "j1", Kind: "RunAutomationRule", Status: "DONE", StartedBy: "me", CreatedAt: "2026-01-01T00:00:00Z",
  Total: 2, Done: 2, Changed: 2, Unchanged: 0, NoLongerMatching: 0, Failed: 0,
};

async function choose(rule: string, action: string) {
  await userEvent.click(await screen.findByRole("button", { name: `Actions of ${rule}` }));
  await userEvent.click(await screen.findByRole("menuitem", { name: action }));
}

describe("RulesPage", () => {
  it("shows the rules in their order, as text", async () => {
    show(<RulesPage />, new FakeHub(list));
    const items = await screen.findAllByRole("listitem");
    expect(items.map((i) => within(i).getByRole("link").textContent)).toEqual(["First", "Second"]);
    expect(screen.getByText("<b>two</b>")).toBeVisible();
  });

  it("tells that the hub cannot be reached, and asks again", async () => {
    let down = true;
    const hub = new FakeHub({
      ListAutomationRules: () => {
        if (down) {
          throw new Problem("The hub cannot be reached.", "Unreachable", 0);
        }
        return { AutomationRulesMetadata: kept };
      },
    });
    show(<RulesPage />, hub);
    expect(await screen.findByText(/The hub cannot be reached/)).toBeVisible();
    down = false;
    await userEvent.click(screen.getByRole("button", { name: "Retry" }));
    expect(await screen.findByText("First")).toBeVisible();
  });

  it("disables a rule, and nothing else of it", async () => {
    const hub = new FakeHub({ ...list, BatchUpdateAutomationRules: () => ({ ProcessedAutomationRules: ["arn:a"] }) });
    show(<RulesPage />, hub);
    await choose("First", "Disable");
    expect(await screen.findByText("First was disabled.")).toBeInTheDocument();
    expect(hub.asks("BatchUpdateAutomationRules")).toEqual([{ UpdateAutomationRulesRequestItems: [{ RuleArn: "arn:a", RuleStatus: "DISABLED" }] }]);
  });

  it("tells of a rule that was not changed", async () => {
    const hub = new FakeHub({ ...list, BatchUpdateAutomationRules: () => ({ UnprocessedAutomationRules: [{ RuleArn: "arn:a", ErrorCode: 404, ErrorMessage: "It is gone." }] }) });
    show(<RulesPage />, hub);
    await choose("First", "Disable");
    expect(await screen.findByText(/It is gone/)).toBeVisible();
  });

  it("asks before it deletes, and deletes nothing when told no", async () => {
    const hub = new FakeHub({ ...list, BatchDeleteAutomationRules: () => ({ ProcessedAutomationRules: ["arn:b"] }) });
    show(<RulesPage />, hub);
    await choose("Second", "Delete");
    const dialog = await screen.findByRole("dialog");
    await userEvent.click(within(dialog).getByRole("button", { name: "Cancel" }));
    expect(hub.asks("BatchDeleteAutomationRules")).toEqual([]);
    await choose("Second", "Delete");
    await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Delete" }));
    expect(await screen.findByText("Second was deleted.")).toBeInTheDocument();
    expect(hub.asks("BatchDeleteAutomationRules")).toEqual([{ AutomationRulesArns: ["arn:b"] }]);
  });

  it("shows what a rule would change before it runs, and takes the run back", async () => {
    const undone: Job = { ...job, JobId: "j2", Kind: "Undo", UndoOf: "j1" };
    const hub = new FakeHub({
      ...list,
      "POST automation-rules/try": () => trial,
      "POST automation-rules/run": () => ({ Job: { ...job, Status: "QUEUED", Done: 0, Changed: 0 } }),
      "GET jobs/j1": () => ({ Job: job }),
      "POST jobs/j1/undo": () => ({ Job: { ...undone, Status: "QUEUED" } }),
      "GET jobs/j2": () => ({ Job: undone }),
    });
    show(<RulesPage />, hub);
    await choose("First", "Run on what is stored");
    expect(await screen.findByText("<img src=x onerror=alert(1)>")).toBeVisible();
    expect(hub.asks("POST automation-rules/run")).toEqual([]);
    await userEvent.click(screen.getByRole("button", { name: "Change 2 findings" }));
    expect(await screen.findByText("Running First: done")).toBeVisible();
    expect(hub.asks("POST automation-rules/run")).toEqual([{ RuleArn: "arn:a" }]);
    await userEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(await screen.findByText("Taking back: Running First: done")).toBeVisible();
  });
});

describe("the form for a rule", () => {
  const rule = { RuleArn: "arn:a", RuleName: "First", Description: "one", RuleOrder: 7, RuleStatus: "ENABLED", Criteria: { SeverityLabel: [{ Value: "LOW", Comparison: "EQUALS" }] }, Actions: [{ Type: "FINDING_FIELDS_UPDATE", FindingFieldsUpdate: { Workflow: { Status: "SUPPRESSED" } } }] };
  const empty = { "POST groups": () => ({ Count: 0, Groups: [] }) };

  it("wants a name, a description and a change", async () => {
    const hub = new FakeHub({ ...list, ...empty });
    show(<AutomationRulesPage />, hub, "/new");
    await userEvent.click(await screen.findByRole("button", { name: "Create rule" }));
    expect(screen.getByText("A name.")).toBeVisible();
    expect(screen.getByText(/must change something/)).toBeVisible();
    expect(screen.getByLabelText("Order")).toHaveValue("3");
    expect(hub.asks("CreateAutomationRule")).toEqual([]);
  });

  it("keeps what was typed when the hub refuses, and sends it again", async () => {
    let refuse = true;
    const hub = new FakeHub({
      ...list,
      ...empty,
      BatchGetAutomationRules: () => ({ Rules: [rule] }),
      BatchUpdateAutomationRules: () => {
        if (refuse) {
          throw new Problem("Rate exceeded", "ThrottlingException", 429);
        }
        return { ProcessedAutomationRules: ["arn:a"] };
      },
    });
    show(<AutomationRulesPage />, hub, "/edit?arn=arn%3Aa");
    const name = await screen.findByLabelText("Name");
    await userEvent.clear(name);
    await userEvent.type(name, "Renamed");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText(/Rate exceeded/)).toBeVisible();
    expect(name).toHaveValue("Renamed");
    refuse = false;
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.getByTestId("where")).toHaveTextContent("/rules"));
    expect(hub.asks("BatchUpdateAutomationRules")[1]).toEqual({
      UpdateAutomationRulesRequestItems: [
        { RuleArn: "arn:a", RuleName: "Renamed", Description: "one", RuleOrder: 7, RuleStatus: "ENABLED", IsTerminal: false, Criteria: rule.Criteria, Actions: rule.Actions },
      ],
    });
  });

  it("tries a rule that is not kept", async () => {
    const hub = new FakeHub({ ...list, ...empty, BatchGetAutomationRules: () => ({ Rules: [rule] }), "POST automation-rules/try": () => trial });
    show(<AutomationRulesPage />, hub, "/edit?arn=arn%3Aa");
    await userEvent.click(await screen.findByRole("button", { name: "Try it out" }));
    expect(await screen.findByText("Workflow.Status")).toBeVisible();
    expect(hub.asks("POST automation-rules/try")).toEqual([{ Rule: { Criteria: rule.Criteria, Actions: rule.Actions } }]);
    expect(hub.asks("BatchUpdateAutomationRules")).toEqual([]);
  });
});
