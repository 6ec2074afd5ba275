import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Failure } from "./failure";
import { Problem } from "./problem";

it.each([
  [new Problem("The hub cannot be reached.", "Unreachable", 0), /cannot be reached\. Is the hub running/],
  [new Problem("The hub took too long to answer.", "Slow", 0), /too long to answer\. Ask again, or narrow/],
  [new Problem("Rate exceeded.", "ThrottlingException", 429), /Rate exceeded\. .*Wait a little/],
  [new Problem("Not allowed.", "AccessDeniedException", 403), /Not allowed\. Sign in with another key/],
  [new Problem("It broke.", "InternalException", 500, "r-1"), /It broke\. The hub's log tells more/],
  [Object.assign(new Error("slow down"), { name: "ThrottlingException", $metadata: { httpStatusCode: 429 } }), /slow down .*Wait a little/],
])("tells what happened and what to do: %s", (error, text) => {
  render(<Failure error={error} what="The rules could not be loaded" />);
  expect(screen.getByText("The rules could not be loaded")).toBeVisible();
  expect(screen.getByText(text)).toBeVisible();
  expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
});

it("names the error and the request, and asks again", async () => {
  const retry = vi.fn();
  render(<Failure error={new Problem("It broke.", "InternalException", 500, "r-1")} what="No counts" retry={retry} />);
  expect(screen.getByText("InternalException, request r-1")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Retry" }));
  expect(retry).toHaveBeenCalledOnce();
});
