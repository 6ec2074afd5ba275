import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { FakeHub, show } from "../testing/fake_hub";
import RejectedPage from "./page";
import type { Producers, Rejected } from "./queries";

const arn = "arn:aws:securityhub:us-east-1::product/prowler/prowler";
const violation = { Path: "data.Severity.Label", Pointer: "/Severity/Label", Rule: "enum", Message: "should be equal to one of the allowed values", Value: '"<script>"', Remedy: "Use one of HIGH, LOW." };
const producers: Producers = {
  Since: "2026-01-01T00:00:00Z",
  Producers: [
    {
      ProductArn: arn, AccountId: "111122223333", Region: "us-east-1", FirstSeenAt: "2026-01-01T00:00:00Z", LastSeenAt: "2026-01-02T00:00:00Z",
      Requests: 1, Created: 9, Updated: 0, Stale: 0, Rejected: 1, LargestBytes: 10, Hints: [{ Code: "NEW_IDS", Count: 9, Message: "Every run makes new ids.", Remedy: "Make the id of what was found." }],
    },
  ],
};
const rejected: Rejected = {
  Since: "2026-01-01T00:00:00Z",
  Dropped: 3,
  Rejected: [
    {
      At: "2026-01-02T00:00:00Z", ProductArn: arn, AccountId: "", Region: "us-east-1", SentBy: "me", Id: "x", Title: "<img src=x onerror=alert(1)>\u202e",
      ErrorCode: "InvalidInput", ErrorMessage: "Finding does not adhere", Violations: [violation],
      Finding: '{"Title":"<img src=x>","N":12345678901234567890}', Mended: '{\n  "Title": "mended"\n}', Mends: [{ Path: "data.Severity.Label", Message: "made HIGH" }],
    },
  ],
};

describe("RejectedPage", () => {
  it("tells every violation, what was mended, and what was sent, as text", async () => {
    const { container } = show(<RejectedPage />, new FakeHub({ "GET producers": () => producers, "GET rejected": () => rejected }));
    expect(await screen.findByText(/^<img src=x onerror=alert\(1\)>/)).toHaveTextContent("\\u202e");
    const table = screen.getByRole("table", { name: "What is wrong" });
    for (const text of [violation.Path, violation.Value, violation.Message, violation.Rule, violation.Remedy]) {
      expect(within(table).getByText(text)).toBeVisible();
    }
    expect(screen.getByRole("region", { name: "the mended finding" })).toHaveTextContent('{ "Title": "mended" }');
    await userEvent.click(screen.getByRole("tab", { name: "As sent" }));
    expect(screen.getByRole("region", { name: "the finding as sent" })).toHaveTextContent("12345678901234567890");
    expect(container.querySelector("img")).toBeNull();
    expect(screen.getByText("3 older ones are kept no more.")).toBeVisible();
    expect(screen.getByText("Every run makes new ids.")).toBeVisible();
  });

  it("narrows to one producer", async () => {
    const hub = new FakeHub({ "GET producers": () => producers, "GET rejected": () => rejected });
    show(<RejectedPage />, hub);
    await userEvent.click(await screen.findByRole("button", { name: "Show the 1 rejected findings of prowler/prowler" }));
    await waitFor(() => expect(hub.asks("GET rejected").at(-1)).toEqual({ max: "50", account: "111122223333", product: arn }));
  });

  it("says so when nothing was rejected", async () => {
    show(<RejectedPage />, new FakeHub({ "GET producers": () => ({ Since: "2026-01-01T00:00:00Z", Producers: [] }), "GET rejected": () => ({ Rejected: [], Dropped: 0 }) }));
    expect(await screen.findByText("Nothing was rejected")).toBeVisible();
  });
});
