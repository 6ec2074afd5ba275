import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { FakeHub, show } from "../testing/fake_hub";
import InsightsPage from "./page";

const arn = "arn:aws:securityhub:us-east-1:111122223333:insight/111122223333/custom/1";
const insight = { InsightArn: arn, Name: "Mine", GroupByAttribute: "ResourceId", Filters: { SeverityLabel: [{ Value: "HIGH", Comparison: "EQUALS" }] } };
const managed = { InsightArn: "arn:aws:securityhub:::insight/securityhub/default/29", Name: "Severity by counts", GroupByAttribute: "SeverityLabel", Filters: {} };
const answers = {
  GetInsights: (ask: Record<string, unknown>) => {
    const arns = ask["InsightArns"] as string[] | undefined;
    return { Insights: arns === undefined ? [insight] : arns.length > 1 ? [managed] : [insight, managed].filter((i) => i.InsightArn === arns[0]) };
  },
  GetInsightResults: () => ({ InsightResults: { ResultValues: [{ GroupByAttributeValue: "<b>x</b>", Count: 3 }, { GroupByAttributeValue: "y", Count: 1 }] } }),
  "POST groups": () => ({ Count: 1, Groups: [{ Attribute: "ResourceId", Values: [{ Value: "z", Count: 1 }], More: false, Missing: 0 }] }),
};

const one = `/one?arn=${encodeURIComponent(arn)}`;

describe("insights", () => {
  it("lists those of the account and those of all", async () => {
    show(<InsightsPage />, new FakeHub(answers));
    expect(await screen.findByRole("link", { name: "Mine" })).toHaveAttribute("href", `/console/insights/one?${new URLSearchParams({ arn })}`);
    expect(screen.getByText("Severity by counts")).toBeVisible();
  });

  it("shows results that lead to exactly their findings", async () => {
    show(<InsightsPage />, new FakeHub(answers), one);
    const link = await screen.findByRole("link", { name: "<b>x</b>: 3 findings" });
    const where = new URL(link.getAttribute("href") ?? "", "http://x").searchParams.get("where");
    expect(where).toBe('SeverityLabel = HIGH and ResourceId = "<b>x</b>"');
  });

  it("sends chosen results to a custom action", async () => {
    const target = "arn:aws:securityhub:us-east-1:111122223333:action/custom/Ticket";
    const hub = new FakeHub({
      ...answers,
      DescribeActionTargets: () => ({ ActionTargets: [{ ActionTargetArn: target, Name: "Ticket", Description: "" }] }),
      [`POST insight-actions/${target.split("/").map(encodeURIComponent).join("/")}`]: () => ({}),
    });
    show(<InsightsPage />, hub, one);
    await userEvent.click(await screen.findByRole("checkbox", { name: "Choose y" }));
    await userEvent.click(screen.getByRole("button", { name: "Send 1 results to a custom action" }));
    const dialog = await screen.findByRole("dialog");
    await userEvent.click(within(dialog).getByRole("button", { name: "Send" }));
    expect(within(dialog).getAllByText("Choose a custom action.")[0]).toBeVisible();
    await userEvent.click(within(dialog).getByRole("button", { name: /Choose a custom action$|Custom action/ }));
    await userEvent.click(await screen.findByRole("option", { name: /Ticket/ }));
    await userEvent.click(within(dialog).getByRole("button", { name: "Send" }));
    expect(await screen.findByText("The results were sent.")).toBeInTheDocument();
    expect(hub.asked.at(-1)?.[1]).toEqual({ InsightArn: arn, Values: ["y"] });
  });

  it("deletes only when told twice", async () => {
    const hub = new FakeHub({ ...answers, DeleteInsight: () => ({}) });
    show(<InsightsPage />, hub, one);
    await waitFor(() => expect(screen.getByRole("button", { name: "Delete" })).toBeEnabled());
    await userEvent.click(screen.getByRole("button", { name: "Delete" }));
    expect(hub.asks("DeleteInsight")).toEqual([]);
    await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Delete" }));
    await waitFor(() => expect(hub.asks("DeleteInsight")).toEqual([{ InsightArn: arn }]));
  });

  it("begins with the filter that the Findings page hands on, and keeps it when the hub refuses", async () => {
    const hub = new FakeHub({
      ...answers,
      UpdateInsight: () => {
        throw new Problem("Rate exceeded", "ThrottlingException", 429);
      },
    });
    show(<InsightsPage />, hub, `/edit?arn=${encodeURIComponent(arn)}`);
    const name = await screen.findByLabelText("Name");
    await userEvent.type(name, " two");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText(/Rate exceeded/)).toBeVisible();
    expect(name).toHaveValue("Mine two");
    expect(hub.asks("UpdateInsight")[0]).toEqual({ InsightArn: arn, Name: "Mine two", GroupByAttribute: "ResourceId", Filters: insight.Filters });
  });

  it("wants a name and an attribute", async () => {
    const hub = new FakeHub(answers);
    show(<InsightsPage />, hub, `/new?where=${encodeURIComponent("SeverityLabel = HIGH")}`);
    await userEvent.click(await screen.findByRole("button", { name: "Create insight" }));
    expect(screen.getByText("A name.")).toBeVisible();
    expect(screen.getAllByText("Choose what is counted by.")[0]).toBeVisible();
    expect(hub.asks("CreateInsight")).toEqual([]);
    expect(screen.getByText(/Severity label/)).toBeVisible();
  });
});
