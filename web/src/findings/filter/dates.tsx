import DateInput from "@cloudscape-design/components/date-input";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect } from "react";

interface ValueFormProps {
  value: unknown;
  onChange: (value: string | null) => void;
}

/** A day of UTC. */
export function DateForm({ value, onChange }: ValueFormProps) {
  const day = typeof value === "string" ? value.slice(0, 10).replaceAll("-", "/") : "";
  return (
    <FormField label="Day (UTC)" description="As 2026/01/31">
      <DateInput value={day} placeholder="YYYY/MM/DD" onChange={({ detail }) => onChange(/^\d{4}[-/]\d\d[-/]\d\d$/.test(detail.value) ? detail.value.replaceAll("/", "-") : null)} />
    </FormField>
  );
}

const units = ["minutes", "hours", "days", "weeks"].map((value) => ({ value, label: value }));

/** A length of time before now. */
export function DaysForm({ value, onChange }: ValueFormProps) {
  const [n = "7", unit = "days"] = (typeof value === "string" && value !== "" ? value : "7 days").split(" ");
  useEffect(() => {
    if (value === null || value === undefined || value === "") {
      onChange(`${n} ${unit}`); // what is shown is meant
    }
  });
  const set = (count: string, of: string) => onChange(/^[1-9]\d{0,5}$/.test(count) ? `${count} ${of}` : null);
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <FormField label="How many">
        <Input type="number" inputMode="numeric" value={n} onChange={({ detail }) => set(detail.value, unit)} />
      </FormField>
      <FormField label="Of what">
        <Select selectedOption={units.find((u) => u.value === unit) ?? null} options={units} onChange={({ detail }) => set(n, detail.selectedOption.value ?? "days")} />
      </FormField>
    </SpaceBetween>
  );
}
