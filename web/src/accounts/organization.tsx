import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Toggle from "@cloudscape-design/components/toggle";
import { type ReactNode, useState } from "react";

/** What the administrator of the organization decided for new accounts. */
export interface OrganizationSettings {
  autoEnable: boolean;
  standards: "DEFAULT" | "NONE";
  central: boolean;
  /** Whether there is no room for further members. */
  full: boolean;
}

interface OrganizationProps {
  account: string;
  /** Who administers the organization in this Region; undefined for nobody, or where this account may not know. */
  administrator: string | undefined;
  /** Why this account cannot see who administers the organization; undefined where it can. */
  hidden: string | undefined;
  /** Present where this account administers the organization. */
  settings: OrganizationSettings | undefined;
  loading: boolean;
  busy: boolean;
  error: ReactNode;
  onDesignate: (account: string) => void;
  onRevoke: (account: string) => void;
  onSave: (settings: OrganizationSettings) => void;
}

/** The organization: who administers it, and what becomes of new accounts. */
export function Organization(props: OrganizationProps) {
  const { administrator, settings, loading, error, hidden, busy, onRevoke } = props;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="The management account designates one account that administers Security Hub for the whole organization, Region by Region."
          actions={
            administrator !== undefined && hidden === undefined && (
              <Button loading={busy} onClick={() => onRevoke(administrator)}>
                End the designation
              </Button>
            )
          }
        >
          Organization
        </Header>
      }
    >
      <SpaceBetween size="l">
        {error}
        {hidden !== undefined && administrator === undefined ? (
          <Box color="text-body-secondary">{hidden}</Box>
        ) : (
          <KeyValuePairs
            columns={2}
            items={[
              { label: "Administrator in this Region", value: loading ? "…" : (administrator ?? "Nobody") },
              { label: "This account", value: props.account },
            ]}
          />
        )}
        {!loading && hidden === undefined && administrator === undefined && <Designate {...props} />}
        {settings !== undefined && <Settings key={JSON.stringify(settings)} settings={settings} busy={busy} onSave={props.onSave} />}
      </SpaceBetween>
    </Container>
  );
}

function Designate({ busy, onDesignate }: OrganizationProps) {
  const [account, setAccount] = useState("");
  const [asked, setAsked] = useState(false);
  const valid = /^\d{12}$/.test(account);
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        setAsked(true);
        if (valid) {
          onDesignate(account);
        }
      }}
    >
      <FormField
        label="Designate an administrator"
        description="This account becomes the management account if none is yet. The administrator's hub is switched on here."
        errorText={asked && !valid ? "An account has 12 digits." : undefined}
        secondaryControl={
          <Button formAction="submit" loading={busy}>
            Designate
          </Button>
        }
      >
        <Input value={account} inputMode="numeric" placeholder="111122223333" onChange={({ detail }) => setAccount(detail.value.trim())} />
      </FormField>
    </form>
  );
}

function Settings({ settings, busy, onSave }: { settings: OrganizationSettings; busy: boolean; onSave: (s: OrganizationSettings) => void }) {
  const [draft, setDraft] = useState(settings);
  const changed = draft.autoEnable !== settings.autoEnable || draft.standards !== settings.standards || draft.central !== settings.central;
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        onSave(draft);
      }}
    >
      <SpaceBetween size="m">
        <FormField label="How accounts are configured">
          <RadioGroup
            value={draft.central ? "CENTRAL" : "LOCAL"}
            items={[
              { value: "LOCAL", label: "Each for itself", description: "Every account decides in every Region." },
              {
                value: "CENTRAL",
                label: "Centrally",
                description: "Configuration policies decide, from the home Region of a finding aggregator. Not by the management account itself.",
              },
            ]}
            onChange={({ detail }) =>
              setDraft(detail.value === "CENTRAL" ? { ...draft, central: true, autoEnable: false, standards: "NONE" } : { ...draft, central: false })
            }
          />
        </FormField>
        <FormField label="New accounts" description={draft.central ? "Policies decide." : undefined}>
          <SpaceBetween size="xs">
            <Toggle checked={draft.autoEnable} disabled={draft.central} onChange={({ detail }) => setDraft({ ...draft, autoEnable: detail.checked })}>
              Become members, with their hub switched on
            </Toggle>
            <Toggle
              checked={draft.standards === "DEFAULT"}
              disabled={draft.central}
              onChange={({ detail }) => setDraft({ ...draft, standards: detail.checked ? "DEFAULT" : "NONE" })}
            >
              Get the default standards
            </Toggle>
          </SpaceBetween>
        </FormField>
        {settings.full && <Box color="text-status-warning">There is no room for further members in this Region.</Box>}
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="primary" formAction="submit" loading={busy} disabled={!changed}>
            Save
          </Button>
          <Button variant="link" formAction="none" disabled={!changed} onClick={() => setDraft(settings)}>
            Discard
          </Button>
        </SpaceBetween>
      </SpaceBetween>
    </form>
  );
}
