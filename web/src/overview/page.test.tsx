import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { FakeHub, show } from "../testing/fake_hub";
import OverviewPage from "./page";
import type { Series } from "./queries";

const series: Series = {
  From: "2026-01-01T00:00:00Z",
  To: "2026-01-02T12:00:00Z",
  Count: 9,
  Open: 5,
  Resolved: 4,
  Exact: true,
  Days: [{ Day: "2026-01-01", New: 3, Severities: { HIGH: 2, LOW: 1 }, Resolved: 1 }],
  TimeToResolve: { Findings: 4, MeanSeconds: 5400, MedianSeconds: 60 },
};

function groups(ask: Record<string, unknown>) {
  const of: Record<string, string> = { SeverityLabel: "HIGH", AwsAccountId: "111122223333", ResourceId: "<b>r</b>", ProductName: "P", ComplianceSecurityControlId: "S3.1" };
  return {
    Count: 5,
    Groups: (ask["Groups"] as { Attribute: string }[]).map(({ Attribute }) => ({ Attribute, Values: [{ Value: of[Attribute] ?? "", Count: 2 }], More: false, Missing: 0 })),
  };
}

const answers = { "POST series": () => series, "POST groups": groups, "GET rates": () => ({ Minutes: [] }) };

const where = (link: HTMLElement) => new URL(link.getAttribute("href") ?? "", "http://x").searchParams.get("where");

describe("OverviewPage", () => {
  it("leads from each number to its findings", async () => {
    const { container } = show(<OverviewPage />, new FakeHub(answers));
    expect(where(await screen.findByRole("link", { name: "Open findings: 5" }))).toBe("RecordState = ACTIVE and WorkflowStatus in (NEW, NOTIFIED)");
    expect(await screen.findByText("1.5 hours")).toBeInTheDocument();
    const resources = await screen.findByRole("table", { name: "Resources" });
    expect(where(within(resources).getByRole("link"))).toContain('ResourceId = "<b>r</b>"');
    expect(container.querySelector("b")).toBeNull();
    expect(where(within(await screen.findByRole("table", { name: "Failed controls" })).getByRole("link"))).toContain("ComplianceStatus = FAILED");
  });

  it("has a table behind its charts", async () => {
    show(<OverviewPage />, new FakeHub(answers));
    await screen.findByText("1.5 hours");
    await userEvent.click(screen.getByRole("button", { name: "New findings by severity: show as a table" }));
    const table = await screen.findByRole("table", { name: "New findings by severity" });
    expect(where(within(table).getByRole("link", { name: "2 findings: High, 2026-01-01" }))).toBe('CreatedAt within [2026-01-01, 2026-01-02) and SeverityLabel = "HIGH"');
  });

  it("says what it does not know, and nothing in its place", async () => {
    const hub = new FakeHub({
      ...answers,
      "POST series": () => {
        throw new Problem("too many requests under way", "ServiceUnavailable", 503);
      },
    });
    show(<OverviewPage />, hub);
    expect(await screen.findByText(/too many requests under way/)).toBeInTheDocument();
    expect(await screen.findByRole("link", { name: "Open findings: 5" })).toBeInTheDocument();
    expect(screen.queryByText(/none resolved/)).toBeNull();
  });

  it("shows an empty hub how to begin", async () => {
    show(<OverviewPage />, new FakeHub({ ...answers, "POST series": () => ({ ...series, Count: 0 }) }));
    expect(await screen.findByRole("tab", { name: "AWS CLI" })).toBeInTheDocument();
    expect(screen.getByRole("region", { name: "the command for sample data" })).toHaveTextContent("hubcap demo --endpoint");
  });
});
