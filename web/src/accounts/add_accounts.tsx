import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { type ReactNode, useState } from "react";

export interface NewAccount {
  AccountId: string;
  Email?: string;
}

/** How many accounts one CreateMembers takes. */
export const mostAccounts = 50;

/**
 * Reads a list of accounts: one a line, or separated by commas or blanks, each with its email behind it or not. What is no account is
 * told.
 */
export function readAccounts(text: string): { accounts: NewAccount[]; wrong: string[] } {
  const accounts: NewAccount[] = [];
  const wrong: string[] = [];
  for (const word of text.split(/[\s,;]+/).filter((w) => w !== "")) {
    const last = accounts.at(-1);
    if (/^\d{12}$/.test(word)) {
      if (!accounts.some((a) => a.AccountId === word)) {
        accounts.push({ AccountId: word });
      }
    } else if (/^[^@]+@[^@]+$/.test(word) && last !== undefined && last.Email === undefined) {
      last.Email = word;
    } else {
      wrong.push(word);
    }
  }
  return { accounts, wrong };
}

interface AddAccountsProps {
  busy: boolean;
  error: ReactNode;
  /** Accounts that the hub did not take, and why. */
  refused: readonly { AccountId?: string | undefined; ProcessingResult?: string | undefined }[];
  onAdd: (accounts: NewAccount[], invite: boolean) => void;
  onClose: () => void;
}

/** Asks for the accounts to add. */
export function AddAccounts({ busy, error, refused, onAdd, onClose }: AddAccountsProps) {
  const [text, setText] = useState("");
  const [invite, setInvite] = useState(true);
  const [asked, setAsked] = useState(false);
  const { accounts, wrong } = readAccounts(text);
  const problem =
    wrong.length > 0
      ? `No account: ${wrong.slice(0, 5).join(", ")}. An account has 12 digits.`
      : accounts.length === 0
        ? "Name at least one account of 12 digits."
        : accounts.length > mostAccounts
          ? `At most ${mostAccounts} accounts at once; these are ${accounts.length}.`
          : undefined;
  return (
    <Modal
      visible
      header="Add accounts"
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button
              variant="primary"
              loading={busy}
              onClick={() => {
                setAsked(true);
                if (problem === undefined) {
                  onAdd(accounts, invite);
                }
              }}
            >
              {accounts.length > 1 && problem === undefined ? `Add ${accounts.length} accounts` : "Add"}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {error}
        {refused.length > 0 && (
          <Alert type="warning" header="Not every account was taken">
            <ul>
              {refused.map((r) => (
                <li key={r.AccountId}>
                  {r.AccountId}: {r.ProcessingResult}
                </li>
              ))}
            </ul>
          </Alert>
        )}
        <FormField label="Accounts" description="One a line, each perhaps with its email address behind it." errorText={asked ? problem : undefined}>
          <Textarea value={text} rows={6} placeholder={"444455556666 team@example.com\n777788889999"} onChange={({ detail }) => setText(detail.value)} />
        </FormField>
        <Checkbox
          checked={invite}
          onChange={({ detail }) => setInvite(detail.checked)}
          description="Accounts of the organization that this account administers become members at once."
        >
          Invite them as well
        </Checkbox>
      </SpaceBetween>
    </Modal>
  );
}
