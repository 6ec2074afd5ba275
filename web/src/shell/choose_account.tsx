import Autosuggest from "@cloudscape-design/components/autosuggest";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useGroups } from "../overview/queries";

interface ChooseAccountProps {
  /** What choosing an account means. */
  title: string;
  description: string;
  onChoose: (account: string) => void;
  onClose: () => void;
}

/** Asks for one of the accounts whose findings are seen. */
export function ChooseAccount({ title, description, onChoose, onClose }: ChooseAccountProps) {
  const accounts = useGroups("", [{ Attribute: "AwsAccountId", MaxResults: 1000 }]);
  const [account, setAccount] = useState("");
  const [asked, setAsked] = useState(false);
  const valid = /^\d{12}$/.test(account);
  const submit = () => {
    setAsked(true);
    if (valid) {
      onChoose(account);
    }
  };
  return (
    <Modal
      visible
      header={title}
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" onClick={submit}>
              Choose
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <FormField label="Account" description={description} errorText={asked && !valid ? "An account has 12 digits." : undefined}>
        <Autosuggest
          value={account}
          placeholder="Find an account"
          enteredTextLabel={(v) => `Use: ${v}`}
          statusType={accounts.isPending ? "loading" : accounts.isError ? "error" : "finished"}
          loadingText="Loading accounts"
          errorText="The accounts could not be loaded."
          options={(accounts.data?.Groups[0]?.Values ?? []).map((v) => ({ value: v.Value, description: `${v.Count.toLocaleString("en")} findings` }))}
          empty="No accounts."
          onChange={({ detail }) => setAccount(detail.value.trim())}
          onSelect={({ detail }) => setAccount(detail.value)}
        />
      </FormField>
    </Modal>
  );
}
