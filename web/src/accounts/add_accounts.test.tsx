import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { AddAccounts, readAccounts } from "./add_accounts";

describe("readAccounts", () => {
  it("takes lines, commas and emails", () => {
    expect(readAccounts("444455556666 a@b.example\n777788889999,111122223333\n444455556666")).toEqual({
      accounts: [{ AccountId: "444455556666", Email: "a@b.example" }, { AccountId: "777788889999" }, { AccountId: "111122223333" }],
      wrong: [],
    });
  });

  it("tells what is no account", () => {
    expect(readAccounts("a@b.example 1234 4444-5555-6666").wrong).toEqual(["a@b.example", "1234", "4444-5555-6666"]);
  });
});

describe("AddAccounts", () => {
  it("sends nothing until what was typed is whole, and keeps it", async () => {
    const onAdd = vi.fn();
    render(<AddAccounts busy={false} error={undefined} refused={[]} onAdd={onAdd} onClose={() => undefined} />);
    const field = screen.getByLabelText("Accounts");
    await userEvent.type(field, "12");
    await userEvent.click(screen.getByRole("button", { name: "Add" }));
    expect(screen.getByText(/No account: 12/)).toBeTruthy();
    expect(onAdd).not.toHaveBeenCalled();
    expect((field as HTMLTextAreaElement).value).toBe("12");
    await userEvent.clear(field);
    await userEvent.type(field, "444455556666 777788889999");
    await userEvent.click(screen.getByRole("button", { name: "Add 2 accounts" }));
    expect(onAdd).toHaveBeenCalledWith([{ AccountId: "444455556666" }, { AccountId: "777788889999" }], true);
  });

  it("tells whom the hub refused, and why", () => {
    render(
      <AddAccounts busy={false} error={undefined} refused={[{ AccountId: "1", ProcessingResult: "already a member" }]} onAdd={() => undefined} onClose={() => undefined} />,
    );
    expect(screen.getByText("1: already a member")).toBeTruthy();
  });
});
