import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Multiselect from "@cloudscape-design/components/multiselect";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useState } from "react";

/** How Regions are linked, in the API's words. */
export type LinkingMode = "ALL_REGIONS" | "ALL_REGIONS_EXCEPT_SPECIFIED" | "SPECIFIED_REGIONS" | "NO_REGIONS";

export interface Aggregator {
  arn: string;
  home: string;
  mode: LinkingMode;
  regions: string[];
}

const modes: { value: LinkingMode; label: string; description: string }[] = [
  { value: "ALL_REGIONS", label: "All Regions", description: "Those that findings come to, and those that they will come to." },
  { value: "ALL_REGIONS_EXCEPT_SPECIFIED", label: "All Regions but some", description: "All, without those you name." },
  { value: "SPECIFIED_REGIONS", label: "Some Regions", description: "Those you name." },
  { value: "NO_REGIONS", label: "No Regions", description: "The aggregator stays, and links nothing." },
];

export function modeName(mode: string): string {
  return modes.find((m) => m.value === mode)?.label ?? mode;
}

const takesRegions = (mode: LinkingMode) => mode === "SPECIFIED_REGIONS" || mode === "ALL_REGIONS_EXCEPT_SPECIFIED";

interface AggregationProps {
  /** undefined: there is none. */
  aggregator: Aggregator | undefined;
  loading: boolean;
  /** The Region that is looked at. */
  region: string;
  /** Regions to choose from. */
  known: readonly string[];
  busy: boolean;
  error: ReactNode;
  onSave: (mode: LinkingMode, regions: string[], done: () => void) => void;
  onDelete: () => void;
}

/** The finding aggregator: which Regions' findings are seen in the home Region. */
export function Aggregation({ aggregator, loading, region, known, busy, error, onSave, onDelete }: AggregationProps) {
  const [editing, setEditing] = useState(false);
  const elsewhere = aggregator !== undefined && aggregator.home !== region;
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Findings of the linked Regions are seen, and worked off, in one home Region."
          actions={
            !editing && (
              <SpaceBetween direction="horizontal" size="xs">
                {aggregator !== undefined && (
                  <Button disabled={elsewhere} disabledReason={elsewhereReason(aggregator)} onClick={onDelete}>
                    Stop aggregating
                  </Button>
                )}
                <Button disabled={loading || elsewhere} disabledReason={elsewhereReason(aggregator)} onClick={() => setEditing(true)}>
                  {aggregator === undefined ? "Aggregate Regions" : "Edit"}
                </Button>
              </SpaceBetween>
            )
          }
        >
          Regions
        </Header>
      }
    >
      <SpaceBetween size="m">
        {error}
        {editing ? (
          <LinkForm
            aggregator={aggregator}
            home={aggregator?.home ?? region}
            known={known}
            busy={busy}
            onCancel={() => setEditing(false)}
            onSave={(mode, regions) => onSave(mode, regions, () => setEditing(false))}
          />
        ) : (
          <KeyValuePairs
            columns={3}
            items={[
              { label: "Home Region", value: loading ? "…" : (aggregator?.home ?? "–") },
              { label: "Linked", value: loading ? "…" : aggregator === undefined ? "Nothing: each Region is seen by itself" : modeName(aggregator.mode) },
              { label: "Regions named", value: loading ? "…" : aggregator === undefined || aggregator.regions.length === 0 ? "–" : aggregator.regions.join(", ") },
            ]}
          />
        )}
        {elsewhere && !editing && (
          <Box color="text-body-secondary">This is changed in the home Region, {aggregator.home}: choose it at the top of the page.</Box>
        )}
      </SpaceBetween>
    </Container>
  );
}

function elsewhereReason(a: Aggregator | undefined): string {
  return `Only in the home Region, ${a?.home ?? ""}.`;
}

interface LinkFormProps {
  aggregator: Aggregator | undefined;
  home: string;
  known: readonly string[];
  busy: boolean;
  onSave: (mode: LinkingMode, regions: string[]) => void;
  onCancel: () => void;
}

function LinkForm({ aggregator, home, known, busy, onSave, onCancel }: LinkFormProps) {
  const [mode, setMode] = useState<LinkingMode>(aggregator?.mode ?? "ALL_REGIONS");
  const [regions, setRegions] = useState<string[]>(aggregator?.regions ?? []);
  const [asked, setAsked] = useState(false);
  const missing = takesRegions(mode) && regions.length === 0;
  const options = [...new Set([...known, ...regions])].filter((r) => r !== home).sort();
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        setAsked(true);
        if (!missing) {
          onSave(mode, takesRegions(mode) ? regions : []);
        }
      }}
    >
      <SpaceBetween size="m">
        <FormField label="Linked Regions" description={`Their findings are seen in ${home}.`}>
          <RadioGroup
            value={mode}
            items={modes}
            onChange={({ detail }) => setMode(modes.find((m) => m.value === detail.value)?.value ?? mode)}
          />
        </FormField>
        {takesRegions(mode) && (
          <FormField
            label={mode === "SPECIFIED_REGIONS" ? "Regions to link" : "Regions to leave out"}
            errorText={asked && missing ? "Name at least one Region." : undefined}
          >
            <Multiselect
              filteringType="auto"
              selectedOptions={regions.map((value) => ({ value, label: value }))}
              options={options.map((value) => ({ value, label: value }))}
              placeholder="Choose Regions"
              filteringAriaLabel="Find a Region"
              deselectAriaLabel={(o) => `Remove ${o.label}`}
              onChange={({ detail }) => setRegions(detail.selectedOptions.map((o) => o.value ?? ""))}
            />
          </FormField>
        )}
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="primary" formAction="submit" loading={busy}>
            Save
          </Button>
          <Button variant="link" formAction="none" onClick={onCancel}>
            Cancel
          </Button>
        </SpaceBetween>
      </SpaceBetween>
    </form>
  );
}
