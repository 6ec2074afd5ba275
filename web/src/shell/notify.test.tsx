import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { MemoryRouter, useNavigate } from "react-router";
import { Notices, NotifyProvider, useNotify } from "./notify";

let notify: ReturnType<typeof useNotify>;
let navigate: ReturnType<typeof useNavigate>;

function Page() {
  notify = useNotify();
  navigate = useNavigate();
  return null;
}

function begin() {
  render(
    <MemoryRouter>
      <NotifyProvider>
        <Notices />
        <Page />
      </NotifyProvider>
    </MemoryRouter>,
  );
}

const go = (to: string) => act(() => void navigate(to));

it("what succeeded can be read on the page that follows, and no longer", () => {
  begin();
  act(() => notify({ type: "success", content: "kept" }));
  go("/a");
  expect(screen.getByText("kept")).toBeInTheDocument();
  go("/b");
  expect(screen.queryByText("kept")).toBeNull();
});

it("what failed stays until it is closed", async () => {
  begin();
  act(() => notify({ type: "error", content: "refused" }));
  go("/a");
  go("/b");
  expect(screen.getByText("refused")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(screen.queryByText("refused")).toBeNull();
});
