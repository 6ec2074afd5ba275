import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { FakeHub, show } from "../testing/fake_hub";
import DeliveriesPage from "./page";
import type { Sinks } from "./queries";

const sinks: Sinks = {
  Sinks: [
    { Name: "hook", Type: "webhook", Status: "DOWN", Reason: "connection refused", DownSince: "2026-01-02T03:04:05Z", Waiting: 7, OldestSeconds: 90, Dead: 2, DeadEvents: [{ EventId: "e-1", AwsAccountId: "111122223333", Reason: "<i>410</i>", At: "2026-01-02T03:04:05Z" }] },
    { Name: "live", Type: "stream", Status: "UP", Dead: 0, DeadEvents: [] },
  ],
};

describe("DeliveriesPage", () => {
  it("shows how each sink stands, and what it will not get", async () => {
    show(<DeliveriesPage />, new FakeHub({ "GET sinks": () => sinks }));
    expect(await screen.findByText("connection refused")).toBeVisible();
    expect(screen.getByText("7 waiting")).toBeVisible();
    expect(screen.getByText("the oldest for 1.5 minutes")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Replay events to live" })).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "2 events that hook will not get" }));
    const dialog = await screen.findByRole("dialog");
    expect(within(dialog).getByText("<i>410</i>")).toBeVisible();
    expect(within(dialog).getByText("and 1 more")).toBeVisible();
  });

  it("tells how a test went", async () => {
    const hub = new FakeHub({ "GET sinks": () => sinks, "POST sinks/hook/test": () => ({ Name: "hook", Delivered: false, Reason: "410 Gone", Milliseconds: 5 }) });
    show(<DeliveriesPage />, hub);
    await userEvent.click(await screen.findByRole("button", { name: "Send a test event to hook" }));
    expect(await screen.findByText("410 Gone")).toBeInTheDocument();
  });

  it("replays a time, and keeps the form when that fails", async () => {
    const hub = new FakeHub({
      "GET sinks": () => sinks,
      "POST events/replay": () => {
        throw new Problem("The hub cannot be reached.", "Unreachable", 0);
      },
    });
    show(<DeliveriesPage />, hub);
    await userEvent.click(await screen.findByRole("button", { name: "Replay events to hook" }));
    const dialog = await screen.findByRole("dialog");
    await userEvent.click(within(dialog).getByRole("button", { name: "Replay" }));
    expect(await within(dialog).findByText(/cannot be reached/)).toBeVisible();
    expect(hub.asks("POST events/replay")[0]).toMatchObject({ Sink: "hook", From: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string });
  });

  it("tells what to do where the caller may not look", async () => {
    const hub = new FakeHub({
      "GET sinks": () => {
        throw new Problem("not authorized to perform: hubcap:ListSinks", "AccessDeniedException", 403);
      },
    });
    show(<DeliveriesPage />, hub);
    expect(await screen.findByText(/not authorized to perform/)).toBeVisible();
    expect(screen.getByRole("button", { name: "Start" })).toBeEnabled();
  });

  it("does not start with a pattern that is none", async () => {
    show(<DeliveriesPage />, new FakeHub({ "GET sinks": () => sinks }));
    await userEvent.type(await screen.findByLabelText(/Event pattern/), "{{not json");
    expect(screen.getByText(/This is no JSON/)).toBeVisible();
    expect(screen.getByRole("button", { name: "Start" })).toBeDisabled();
  });
});
