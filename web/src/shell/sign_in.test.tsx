import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Failure } from "../api/failure";
import { Problem } from "../api/problem";
import { SignIn } from "./sign_in";

it("asks for all of a key, and signs in", async () => {
  const onSignIn = vi.fn();
  render(<SignIn region="us-east-1" busy={false} error={undefined} onSignIn={onSignIn} />);
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(screen.getByText("The access key id.")).toBeVisible();
  expect(onSignIn).not.toHaveBeenCalled();
  await userEvent.type(screen.getByLabelText("Access key id"), " AKID ");
  await userEvent.type(screen.getByLabelText("Secret access key"), "s e{Enter}");
  expect(onSignIn).toHaveBeenCalledWith({ id: "AKID", secret: "s e" }, "us-east-1");
});

it("tells why, and keeps what was typed", async () => {
  const form = (error: React.ReactNode) => <SignIn region="us-east-1" busy={false} error={error} onSignIn={() => undefined} />;
  const { rerender } = render(form(undefined));
  await userEvent.type(screen.getByLabelText("Access key id"), "AKID");
  rerender(form(<Failure error={new Problem("The signature does not match.", "InvalidSignatureException", 403)} what="You are not signed in" />));
  expect(screen.getByText(/The signature does not match/)).toBeVisible();
  expect(screen.getByLabelText("Access key id")).toHaveValue("AKID");
  expect(screen.getByLabelText("Secret access key")).toHaveAttribute("type", "password");
});
