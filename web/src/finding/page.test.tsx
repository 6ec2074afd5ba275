import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import type { Job } from "../rules/queries";
import { FakeHub, show } from "../testing/fake_hub";
import FindingPage from "./page";

const user = userEvent.setup({ pointerEventsCheck: 0 });

const finding = {
  Id: "scan/1",
  ProductArn: "arn:aws:securityhub:us-east-1::product/a/b",
  AwsAccountId: "111122223333",
  Region: "us-east-1",
  Title: "A bucket is open",
  Description: "Everybody can read it.",
  GeneratorId: "rule-1",
  Severity: { Label: "HIGH" },
  Workflow: { Status: "NEW" },
  RecordState: "ACTIVE",
  UpdatedAt: "2026-01-02T03:04:05Z",
  Types: ["T/One"],
  Resources: [{ Type: "AwsS3Bucket", Id: "arn:aws:s3:::b" }],
  Remediation: { Recommendation: { Text: "Close it.", Url: "https://example.com/close" } },
};
const where = 'Id = "scan/1" and ProductArn = "arn:aws:securityhub:us-east-1::product/a/b"';
const alone = `${where} and AwsAccountId = "111122223333" and Region = "us-east-1"`;
const address = `/finding?${new URLSearchParams({ product: finding.ProductArn, id: finding.Id })}`;

const job: Job = { JobId: "j1", Kind: "UpdateFindings", Status: "DONE", StartedBy: "me", CreatedAt: "2026-01-01T00:00:00Z", Total: 1, Done: 1, Changed: 1, Unchanged: 0, NoLongerMatching: 0, Failed: 0 };

function hub(answers: Record<string, (ask: Record<string, unknown>) => unknown> = {}, found: readonly object[] = [finding]) {
  return new FakeHub({
    "POST findings/search": ({ MaxResults }) => ({ Findings: MaxResults === 20 ? found : [finding, { ...finding, Id: "scan/2", Title: "Another" }] }),
    "POST findings/count": () => ({ Count: 2 }),
    DescribeActionTargets: () => ({ ActionTargets: [] }),
    GetFindingHistory: () => ({ Records: [] }),
    "POST jobs": () => ({ Job: job }),
    "GET jobs/j1": () => ({ Job: job }),
    ...answers,
  });
}

const title = () => screen.findByRole("heading", { level: 1, name: "A bucket is open" }, { timeout: 15_000 });

describe("a finding's page", () => {
  it("tells how to mend it, with a link that tells nothing of the console", async () => {
    const it = hub();
    show(<FindingPage />, it, address);
    await title();
    expect(it.asks("POST findings/search")[0]).toEqual({ Where: where, MaxResults: 20 });
    expect(screen.getByText("Close it.")).toBeInTheDocument();
    const link = screen.getByText("https://example.com/close").closest("a");
    expect(link).toHaveAttribute("href", "https://example.com/close");
    expect(link).toHaveAttribute("rel", "noopener noreferrer");
  });

  it("tells where a finding may be that is not here", async () => {
    show(<FindingPage />, hub({}, []), `${address}&account=1&region=eu-west-1`);
    expect(await screen.findByText("There is no such finding here")).toBeInTheDocument();
    expect(screen.getByText(/its address says Region eu-west-1/)).toBeInTheDocument();
  });

  it("lets one choose where several have its name", async () => {
    show(<FindingPage />, hub({}, [finding, { ...finding, AwsAccountId: "444455556666", Region: "eu-west-1" }]), address);
    const link = (await screen.findByText("444455556666 in eu-west-1")).closest("a");
    expect(new URL(link?.href ?? "").searchParams.get("account")).toBe("444455556666");
    expect(new URL(link?.href ?? "").searchParams.get("region")).toBe("eu-west-1");
  });

  it("tells why it could not be had, and asks again", async () => {
    let busy = true;
    show(<FindingPage />, hub({ "POST findings/search": () => {
      if (busy) {
        throw new Problem("slow down", "ThrottlingException", 429);
      }
      return { Findings: [finding] };
    } }), address);
    await screen.findByText(/slow down/);
    busy = false;
    await user.click(screen.getByRole("button", { name: "Retry" }));
    await title();
  });

  it("suppresses this finding alone, and takes it back", async () => {
    const it = hub({ "POST jobs/j1/undo": () => ({ Job: { ...job, JobId: "j2", UndoOf: "j1" } }), "GET jobs/j2": () => ({ Job: { ...job, JobId: "j2", UndoOf: "j1" } }) });
    show(<FindingPage />, it, address);
    await title();
    await user.click(screen.getByRole("button", { name: "Suppress" }));
    await waitFor(() => expect(it.asks("POST jobs")).toEqual([{ Kind: "UpdateFindings", Where: alone, Parameters: { Workflow: { Status: "SUPPRESSED" } } }]));
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    await waitFor(() => expect(it.asks("POST jobs/j1/undo")).toHaveLength(1));
  });

  it("tells what was refused", async () => {
    show(<FindingPage />, hub({ "POST jobs": () => Promise.reject(new Problem("You may not.", "AccessDeniedException", 403)) }), address);
    await title();
    await user.click(screen.getByRole("button", { name: "Suppress" }));
    expect(await screen.findByText("Nothing was changed")).toBeInTheDocument();
    expect(screen.getByText(/You may not\./)).toBeInTheDocument();
  });

  it("begins a change with what the finding says, shows why it cannot be, and keeps what was typed", async () => {
    const it = hub({
      "POST jobs": () => ({ Preview: { Matching: 1, Samples: [{ FindingIdentifier: { Id: finding.Id, ProductArn: finding.ProductArn }, Title: finding.Title, Changes: [], Failure: { ErrorMessage: "no room for it" } }] } }),
    });
    show(<FindingPage />, it, address);
    await title();
    await user.click(screen.getByRole("button", { name: "Change" }));
    await user.click(await screen.findByRole("menuitem", { name: "Change other members" }));
    const dialogue = within(await screen.findByRole("dialog"));
    await user.click(dialogue.getByRole("checkbox", { name: "Types" }));
    const types = dialogue.getByRole("textbox", { name: "Types" });
    expect(types).toHaveValue("T/One");
    await user.type(types, "\nT/Two");
    await user.click(dialogue.getByRole("button", { name: "Preview" }));
    expect(await dialogue.findByText("Cannot be changed: no room for it")).toBeInTheDocument();
    expect(it.asks("POST jobs")).toEqual([{ Kind: "UpdateFindings", Where: alone, Parameters: { Types: ["T/One", "T/Two"] }, DryRun: true }]);
    expect(types).toHaveValue("T/One\nT/Two");
  });

  it.each([
    [true, "The finding was not sent"],
    [false, "The finding was sent"],
  ])("sends the finding to a custom action, failing: %s", async (failing, want) => {
    const target = "arn:aws:securityhub:us-east-1:111122223333:action/custom/page";
    const it = hub({
      DescribeActionTargets: () => ({ ActionTargets: [{ ActionTargetArn: target, Name: "Page the team", Description: "" }] }),
      [`POST custom-actions/${target.split("/").map(encodeURIComponent).join("/")}`]: () => ({ UnprocessedFindings: failing ? [{ ErrorCode: "FindingNotFound", ErrorMessage: "it is gone" }] : [] }),
    });
    show(<FindingPage />, it, address);
    await title();
    await user.click(await screen.findByRole("button", { name: "Custom actions" }));
    await user.click(await screen.findByRole("menuitem", { name: /Page the team/ }));
    expect(await screen.findByText(want)).toBeInTheDocument();
    expect(it.asked.at(-1)?.[1]).toEqual({ Findings: [{ Id: finding.Id, ProductArn: finding.ProductArn }] });
  });

  it("tells its history page by page, and that others of its name are in it", async () => {
    const record = (text: string) => ({ UpdateTime: new Date("2026-01-02T03:04:05Z"), UpdateSource: { Type: "BATCH_UPDATE_FINDINGS", Identity: "somebody" }, Updates: [{ UpdatedField: "UserDefinedFields", OldValue: '{"ticket":"1"}', NewValue: `{"ticket":"${text}"}` }] });
    const it = hub({ GetFindingHistory: ({ NextToken }) => (NextToken === undefined ? { Records: [record("22")], NextToken: "more" } : { Records: [record("333")] }) });
    show(<FindingPage />, it, `${address}&tab=history`);
    await screen.findByText("22", undefined, { timeout: 15_000 });
    expect(screen.getAllByText("UserDefinedFields.ticket")).toHaveLength(1);
    expect(screen.getByText("somebody")).toBeInTheDocument();
    expect(await screen.findByText(/2 findings have this Id and product/)).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Show older changes" }));
    await screen.findByText("333");
    expect(screen.getByText("22")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Show older changes" })).toBeNull();
  });

  it("counts its siblings without itself, and leads to them", async () => {
    show(<FindingPage />, hub(), `${address}&tab=related`);
    await waitFor(() => expect(screen.getAllByText("Another")).toHaveLength(2));
    await waitFor(() => expect(screen.getByText("About the same resource").closest("h2")).toHaveTextContent("(1)"));
    const link = screen.getAllByText("Show them on the Findings page")[1]?.closest("a");
    expect(new URL(link?.href ?? "").searchParams.get("where")).toBe('GeneratorId = "rule-1"');
  });

  it("shows its text with the digits it came with", async () => {
    const it = hub();
    it.stream.mockImplementation(() => Promise.resolve(new Response('{"Id":"scan/1","N":9007199254740993,"F":1.10}\n').body ?? new ReadableStream()));
    show(<FindingPage />, it, `${address}&tab=json`);
    const text = await screen.findByRole("region", { name: "the finding as JSON" });
    expect(text).toHaveTextContent('"N": 9007199254740993, "F": 1.10');
    expect(it.stream.mock.calls[0]?.slice(0, 2)).toEqual(["findings/export", { where: alone }]);
  });
});
