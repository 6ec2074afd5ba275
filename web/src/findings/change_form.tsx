import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { type ReactNode } from "react";
import { type Changes, problemsOf } from "./changes";

interface ChangeFormProps {
  value: Changes;
  /** What the one finding that is meant says now: a member that is ticked begins with it. */
  current?: Changes | undefined;
  onChange: (c: Changes) => void;
}

const options = (values: readonly string[]) => values.map((value) => ({ value, label: value.charAt(0) + value.slice(1).toLowerCase().replaceAll("_", " ") }));

const choices = {
  workflow: options(["NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"]),
  severity: options(["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]),
  verification: options(["UNKNOWN", "TRUE_POSITIVE", "FALSE_POSITIVE", "BENIGN_POSITIVE"]),
};

/** Asks what to set: each member that is ticked. */
export function ChangeForm({ value, current: now, onChange }: ChangeFormProps) {
  const problems = problemsOf(value);
  const without = (name: keyof Changes): Changes => {
    const { [name]: _, ...rest } = value;
    return rest;
  };
  function row<K extends keyof Changes>(name: K, label: string, initial: NonNullable<Changes[K]>, control: (v: NonNullable<Changes[K]>) => ReactNode, constraint?: string) {
    const current = value[name];
    return (
      <SpaceBetween size="xxs">
        <Checkbox checked={current !== undefined} onChange={({ detail }) => onChange(detail.checked ? { ...value, [name]: now?.[name] ?? initial } : without(name))}>
          {label}
        </Checkbox>
        {current !== undefined && (
          <FormField errorText={problems[name]} {...(constraint === undefined ? {} : { constraintText: constraint })} stretch>
            {control(current)}
          </FormField>
        )}
      </SpaceBetween>
    );
  }
  const select = (name: "workflow" | "severity" | "verification", label: string, initial: string) =>
    row(name, label, initial, (v) => (
      <Select
        ariaLabel={label}
        selectedOption={choices[name].find((o) => o.value === v) ?? null}
        options={choices[name]}
        onChange={({ detail }) => onChange({ ...value, [name]: detail.selectedOption.value ?? initial })}
      />
    ));
  const number = (name: "confidence" | "criticality" | "product", label: string) =>
    row(name, label, "50", (v) => <Input ariaLabel={label} inputMode="numeric" value={v} onChange={({ detail }) => onChange({ ...value, [name]: detail.value })} />);
  return (
    <SpaceBetween size="s">
      {select("workflow", "Workflow status", "NOTIFIED")}
      {row("note", "Note", "", (v) => <Textarea ariaLabel="Note" rows={3} value={v} onChange={({ detail }) => onChange({ ...value, note: detail.value })} />)}
      {select("severity", "Severity", "MEDIUM")}
      {number("product", "Severity as the product counts it")}
      {select("verification", "Verification state", "TRUE_POSITIVE")}
      {number("criticality", "Criticality")}
      {number("confidence", "Confidence")}
      {row(
        "fields",
        "User-defined fields",
        [{ key: "", value: "" }],
        (v) => (
          <AttributeEditor
            items={v}
            addButtonText="Add a field"
            removeButtonText="Remove"
            removeButtonAriaLabel={(f) => `Remove the field ${f.key}`}
            empty="No fields: those that findings have go."
            onAddButtonClick={() => onChange({ ...value, fields: [...v, { key: "", value: "" }] })}
            onRemoveButtonClick={({ detail }) => onChange({ ...value, fields: v.filter((_, i) => i !== detail.itemIndex) })}
            definition={(["key", "value"] as const).map((part) => ({
              label: part === "key" ? "Key" : "Value",
              control: (f: { key: string; value: string }, i: number) => <Input value={f[part]} onChange={({ detail }) => onChange({ ...value, fields: v.map((o, k) => (k === i ? { ...o, [part]: detail.value } : o)) })} />,
            }))}
          />
        ),
        "They take the place of all fields that a finding has.",
      )}
      {row(
        "types",
        "Types",
        "",
        (v) => <Textarea ariaLabel="Types" rows={2} placeholder="Software and Configuration Checks/Vulnerabilities" value={v} onChange={({ detail }) => onChange({ ...value, types: detail.value })} />,
        "One a line. They take the place of all types that a finding has.",
      )}
      {row(
        "related",
        "Related findings",
        "",
        (v) => <Textarea ariaLabel="Related findings" rows={2} value={v} onChange={({ detail }) => onChange({ ...value, related: detail.value })} />,
        "One a line: the product ARN, a space, the Id. They take the place of those that a finding names.",
      )}
    </SpaceBetween>
  );
}
