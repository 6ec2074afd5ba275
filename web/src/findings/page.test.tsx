import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent, { PointerEventsCheckLevel } from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../api/problem";
import type { Job } from "../rules/queries";
import { FakeHub, show } from "../testing/fake_hub";
import type { Finding } from "./finding";
import FindingsPage from "./page";
import { facets } from "./queries";

const finding = (n: number): Finding => ({
  SchemaVersion: "2018-10-08",
  Id: `finding "${n}"`,
  ProductArn: "arn:aws:securityhub:us-east-1::product/acme/scanner",
  ProductName: "Scanner",
  GeneratorId: "g",
  AwsAccountId: "111122223333",
  Region: "us-east-1",
  CreatedAt: "2026-01-01T00:00:00Z",
  UpdatedAt: "2026-01-02T00:00:00Z",
  Title: `Title ${n}`,
  Description: "d",
  Severity: { Label: "HIGH" },
  Workflow: { Status: "NEW" },
  Resources: [{ Type: "AwsS3Bucket", Id: `arn:aws:s3:::bucket-${n}` }],
});

const onlyOne = '(Id = "finding \\"1\\"" and ProductArn = "arn:aws:securityhub:us-east-1::product/acme/scanner" and AwsAccountId = "111122223333" and Region = "us-east-1")';

const job: Job = {
  JobId: "j1", Kind: "UpdateFindings", Status: "DONE", StartedBy: "me", CreatedAt: "2026-01-01T00:00:00Z",
  Total: 2, Done: 2, Changed: 2, Unchanged: 0, NoLongerMatching: 0, Failed: 0,
};

/** How many findings there are besides the two of the first page. */
const more = 1232;

const groups = () => ({
  Count: 2 + more,
  Groups: facets.map((f) => ({
    Attribute: f.attribute,
    Values: f.attribute === "SeverityLabel" ? [{ Value: "HIGH", Count: 1200 }, { Value: "LOW", Count: 34 }] : [],
    More: false,
    Missing: 0,
  })),
});

const answers = {
  "POST findings/search": (ask: Record<string, unknown>) => (ask["NextToken"] === undefined ? { Findings: [finding(1), finding(2)], NextToken: "t2" } : { Findings: [finding(3)] }),
  "POST groups": groups,
  "POST jobs": (ask: Record<string, unknown>) =>
    ask["DryRun"] === true
      ? { Preview: { Matching: 2, Samples: [{ FindingIdentifier: { Id: "a", ProductArn: "b" }, Title: "A sample", Changes: [{ UpdatedField: "Workflow.Status", OldValue: "NEW", NewValue: "SUPPRESSED" }] }] } }
      : { Job: job },
  "GET jobs/j1": () => ({ Job: job }),
};

const open = async (hub: FakeHub, at = "/findings") => {
  show(<FindingsPage />, hub, at);
  await screen.findByText("Title 1");
};

async function change(entry: string) {
  await user.click(screen.getByRole("button", { name: "Change" }));
  await user.click(await screen.findByRole("menuitem", { name: entry }));
}

const selectPage = () => user.click(screen.getByRole("checkbox", { name: "Select all of this page", hidden: false })); // the sticky header has another
const dialog = () => within(screen.getByRole("dialog"));

// A whole page is much to look through by roles, and the machine may be busy: what is hidden by style alone is not told apart.
vi.setConfig({ testTimeout: 120_000 });
configure({ asyncUtilTimeout: 30_000, defaultHidden: true });
const user = userEvent.setup({ pointerEventsCheck: PointerEventsCheckLevel.Never });

beforeEach(() => localStorage.clear());

describe("the table", () => {
  it("asks for one page at a time, in the order of the address", async () => {
    const hub = new FakeHub(answers);
    await open(hub, "/findings?where=SeverityLabel+%3D+HIGH&sort=Title&order=asc");
    expect(hub.asks("POST findings/search")).toEqual([{ Where: "SeverityLabel = HIGH", SortCriteria: [{ Field: "Title", SortOrder: "asc" }], MaxResults: 50 }]);
    await user.click(screen.getByRole("button", { name: "Next page" }));
    expect(await screen.findByText("Title 3")).toBeVisible();
    expect(screen.queryByText("Title 1")).toBeNull();
    expect(hub.asks("POST findings/search")[1]).toMatchObject({ NextToken: "t2", Where: "SeverityLabel = HIGH" });
  });

  it("stays on a page whose next one cannot be had, and gets it when asked again", async () => {
    let down = true;
    const hub = new FakeHub({
      ...answers,
      "POST findings/search": (ask) => {
        if (ask["NextToken"] !== undefined && down) {
          throw new Problem("Rate exceeded", "ThrottlingException", 429);
        }
        return answers["POST findings/search"](ask);
      },
    });
    await open(hub);
    await user.click(screen.getByRole("button", { name: "Next page" }));
    expect(await screen.findByText(/Rate exceeded/)).toBeVisible();
    expect(screen.getByText("Title 1")).toBeVisible();
    expect(screen.getByRole("button", { name: "Page 1" })).toHaveAttribute("aria-current", "true");
    down = false;
    await user.click(screen.getByRole("button", { name: "Next page" }));
    expect(await screen.findByText("Title 3")).toBeVisible();
    expect(screen.queryByText(/Rate exceeded/)).toBeNull();
  });

  it("puts another order into the address", async () => {
    await open(new FakeHub(answers));
    const [sorts] = within(screen.getByRole("grid", { name: "Findings" })).getAllByRole("button", { name: "Title" }); // the other one resizes
    await user.click(sorts as HTMLElement);
    await waitFor(() => expect(screen.getByTestId("where")).toHaveTextContent("sort=Title"));
  });

  it("tells why there are no findings, and asks again", async () => {
    let down = true;
    const hub = new FakeHub({
      ...answers,
      "POST findings/search": (ask) => {
        if (down) {
          throw new Problem("The hub cannot be reached.", "Unreachable", 0);
        }
        return answers["POST findings/search"](ask);
      },
    });
    show(<FindingsPage />, hub, "/findings?where=SeverityLabel+%3D+HIGH");
    expect(await screen.findByText(/cannot be reached/)).toBeVisible();
    expect(screen.getByTestId("where")).toHaveTextContent("where=SeverityLabel");
    down = false;
    await user.click(screen.getByRole("button", { name: "Retry" }));
    expect(await screen.findByText("Title 1")).toBeVisible();
  });
});

describe("facets", () => {
  it("count each without what is chosen in it, and narrow the view", async () => {
    const hub = new FakeHub(answers);
    await open(hub);
    expect(hub.asks("POST groups")[0]).toMatchObject({ Where: "all", Groups: facets.map((f) => ({ Attribute: f.attribute, Except: true })) });
    await user.click(await screen.findByRole("checkbox", { name: "Severity HIGH, 1,200 findings" }));
    await waitFor(() => expect(hub.asks("POST groups").at(-1)).toMatchObject({ Where: "SeverityLabel = HIGH" }));
    await user.click(screen.getByRole("checkbox", { name: "Severity LOW, 34 findings" }));
    await waitFor(() => expect(hub.asks("POST findings/search").at(-1)).toMatchObject({ Where: "SeverityLabel in (HIGH, LOW)" }));
    expect(new URLSearchParams(screen.getByTestId("where").textContent.split("?")[1]).get("where")).toBe("SeverityLabel in (HIGH, LOW)");
  });
});

describe("changes", () => {
  it("are of what is selected, previewed before they are made, and can be undone", async () => {
    const undone = { ...job, JobId: "j2", UndoOf: "j1" };
    const hub = new FakeHub({ ...answers, "POST jobs/j1/undo": () => ({ Job: undone }), "GET jobs/j2": () => ({ Job: undone }) });
    await open(hub);
    expect(screen.getByRole("button", { name: "Change" })).toBeDisabled();
    await selectPage();
    await change("Set workflow status Suppressed");
    expect(dialog().getByRole("button", { name: "Change" })).toBeDisabled();
    await user.click(dialog().getByRole("button", { name: "Preview" }));
    expect(await screen.findByText("2 findings match")).toBeVisible();
    expect(screen.getByText(/Workflow.Status: NEW → SUPPRESSED/)).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Change 2" }));
    const body = { Kind: "UpdateFindings", Where: `${onlyOne} or ${onlyOne.replaceAll("1\\", "2\\")}`, Parameters: { Workflow: { Status: "SUPPRESSED" } } };
    expect(hub.asks("POST jobs")).toEqual([{ ...body, DryRun: true }, { ...body, DryRun: false }]);
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    expect(await screen.findByRole("button", { name: "Redo" })).toBeVisible();
    expect(hub.asks("POST jobs/j1/undo")).toHaveLength(1);
  });

  it("are of all that match, when all are chosen", async () => {
    const hub = new FakeHub(answers);
    await open(hub, "/findings?where=SeverityLabel+%3D+HIGH");
    await selectPage();
    await user.click(screen.getByRole("button", { name: "Select all 1,234 that match" }));
    await change("Set workflow status Notified");
    await user.click(dialog().getByRole("button", { name: "Preview" }));
    await waitFor(() => expect(hub.asks("POST jobs")).toEqual([{ Kind: "UpdateFindings", Where: "SeverityLabel = HIGH", Parameters: { Workflow: { Status: "NOTIFIED" } }, DryRun: true }]));
  });

  it("mean nothing that another filter shows", async () => {
    await open(new FakeHub(answers));
    await selectPage();
    await user.click(await screen.findByRole("button", { name: "Select all 1,234 that match" }));
    await user.click(screen.getByRole("checkbox", { name: "Severity LOW, 34 findings" }));
    await waitFor(() => expect(screen.getByRole("button", { name: "Change" })).toBeDisabled());
    expect(screen.queryByText(/that match are selected/)).toBeNull();
  });

  it("that are refused keep what was typed, and are made when asked again", async () => {
    let busy = true;
    const hub = new FakeHub({
      ...answers,
      "POST jobs": (ask) => {
        if (busy && ask["DryRun"] === false) {
          throw new Problem("Too many jobs", "LimitExceededException", 429);
        }
        return answers["POST jobs"](ask);
      },
    });
    await open(hub);
    await selectPage();
    await change("Add a note");
    const note = dialog().getByRole("textbox", { name: "Note" });
    expect(dialog().getByRole("button", { name: "Preview" })).toBeDisabled();
    await user.type(note, "asked the web team");
    await user.click(dialog().getByRole("button", { name: "Preview" }));
    await user.click(await screen.findByRole("button", { name: "Change 2" }));
    expect(await screen.findByText(/Too many jobs/)).toBeVisible();
    expect(note).toHaveValue("asked the web team");
    busy = false;
    await user.click(screen.getByRole("button", { name: "Change 2" }));
    expect(await screen.findByRole("button", { name: "Undo" })).toBeVisible();
    expect(hub.asks("POST jobs").at(-1)).toMatchObject({ DryRun: false, Parameters: { Note: { Text: "asked the web team", UpdatedBy: hub.session.arn } } });
  });

  it("lose their preview when something else is asked", async () => {
    await open(new FakeHub(answers));
    await selectPage();
    await change("Set workflow status Resolved");
    await user.click(dialog().getByRole("button", { name: "Preview" }));
    await screen.findByRole("button", { name: "Change 2" });
    await user.click(dialog().getByRole("checkbox", { name: "Severity" }));
    expect(dialog().getByRole("button", { name: "Change" })).toBeDisabled();
    expect(screen.queryByText("2 findings match")).toBeNull();
  });
});

describe("views", () => {
  it("are kept under a name, and opened again", async () => {
    await open(new FakeHub(answers), "/findings?where=SeverityLabel+%3D+HIGH&sort=Title");
    await user.click(screen.getByRole("button", { name: "Views" }));
    await user.click(await screen.findByRole("menuitem", { name: "Save or remove a view…" }));
    await user.type(screen.getByLabelText("Name of what is shown"), "High ones");
    await user.click(dialog().getByRole("button", { name: "Save" }));
    await user.click(screen.getByRole("checkbox", { name: "Severity HIGH, 1,200 findings" }));
    await waitFor(() => expect(screen.getByTestId("where")).not.toHaveTextContent("where="));
    await user.click(screen.getByRole("button", { name: "Views" }));
    await user.click(await screen.findByRole("menuitem", { name: "High ones" }));
    await waitFor(() => expect(screen.getByTestId("where")).toHaveTextContent("/findings?where=SeverityLabel+%3D+HIGH&sort=Title"));
  });
});
