import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Tabs from "@cloudscape-design/components/tabs";
import { useMemo, useState } from "react";
import { CodeText } from "../code/code_text";
import { commands, demoCommand, type Sender } from "./commands";

interface WelcomeProps {
  origin: string;
  /** The account to begin with, and the key: those of who looks. */
  account: string;
  keyId: string;
  region: string;
  /** Whether the hub checks signatures. Then nobody but the key's account can be named. */
  checked: boolean;
}

/** How to send the first finding. */
export function Welcome({ origin, account: begin, keyId, region, checked }: WelcomeProps) {
  const [account, setAccount] = useState(begin);
  const [at] = useState(() => new Date());
  const valid = /^\d{12}$/.test(account);
  // With a number that is none the commands stay those of the last one that was.
  const used = valid ? account : begin;
  const sender: Sender = useMemo(
    () => ({ origin, account: used, region, keyId: checked ? keyId : used, checked }),
    [origin, used, region, keyId, checked],
  );
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header variant="h2" description="Any client of AWS Security Hub works: it needs this hub's address, and a key.">
            Send a finding
          </Header>
        }
      >
        <SpaceBetween size="m">
          {!checked && (
            <FormField
              label="Account"
              description="This hub does not check keys: any 12 digits are an account."
              errorText={valid ? undefined : "An account has 12 digits."}
            >
              <Input value={account} inputMode="numeric" onChange={({ detail }) => setAccount(detail.value.trim())} />
            </FormField>
          )}
          <Tabs
            ariaLabel="Ways to send a finding"
            tabs={commands(sender, at).map((c) => ({ id: c.id, label: c.label, content: <CommandText name={c.label} note={c.note} text={c.text} /> }))}
          />
        </SpaceBetween>
      </Container>
      <Container
        header={
          <Header variant="h2" description="5,000 findings of several products and accounts, made up and the same each time.">
            Or look around with sample data
          </Header>
        }
      >
        <CommandText
          name="the command for sample data"
          note="The findings stay until they are archived or deleted: try it on a hub that is not in use yet."
          text={demoCommand(sender)}
        />
      </Container>
    </SpaceBetween>
  );
}

function CommandText({ name, note, text }: { name: string; note: string; text: string }) {
  return (
    <SpaceBetween size="xs">
      <Box color="text-body-secondary">{note}</Box>
      <CodeText name={name} text={text} wholeLines />
    </SpaceBetween>
  );
}
