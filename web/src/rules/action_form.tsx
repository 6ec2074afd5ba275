import Alert from "@cloudscape-design/components/alert";
import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { type ActionFields, type FieldErrors, severities, verifications, workflows } from "./actions";

interface ActionFormProps {
  fields: ActionFields;
  /** Empty until somebody tried to save. */
  errors: FieldErrors;
  onChange: (fields: ActionFields) => void;
}

/** What a rule sets in the findings that meet its criteria. */
export function ActionForm({ fields, errors, onChange }: ActionFormProps) {
  const set = (change: Partial<ActionFields>) => onChange({ ...fields, ...change });
  const seldom = fields.confidence !== "" || fields.criticality !== "" || fields.types.length > 0 || fields.related.length > 0;
  return (
    <SpaceBetween size="m">
      {errors.all !== undefined && <Alert type="error">{errors.all}</Alert>}
      <ColumnLayout columns={3} minColumnWidth={180}>
        <Choice label="Severity" value={fields.severity} values={severities} onChange={(severity) => set({ severity })} />
        <Choice label="Workflow status" value={fields.workflow} values={workflows} onChange={(workflow) => set({ workflow })} />
        <Choice label="Verification state" value={fields.verification} values={verifications} onChange={(verification) => set({ verification })} />
      </ColumnLayout>
      <ColumnLayout columns={2}>
        <FormField label={optional("Note")} description="It replaces the note that a finding has." errorText={errors.noteText}>
          <Textarea value={fields.noteText} rows={2} onChange={({ detail }) => set({ noteText: detail.value })} />
        </FormField>
        <FormField label={optional("Note by")} description="Who writes the note." errorText={errors.noteBy}>
          <Input value={fields.noteBy} onChange={({ detail }) => set({ noteBy: detail.value })} />
        </FormField>
      </ColumnLayout>
      <FormField label={optional("Fields of your own")} description="They are added to those that a finding has." errorText={errors.userFields} stretch>
        <AttributeEditor
          items={fields.userFields}
          addButtonText="Add a field"
          removeButtonText="Remove"
          removeButtonAriaLabel={(u) => `Remove the field ${u.key}`}
          empty="None."
          definition={[
            {
              label: "Name",
              control: (u, i) => (
                <Input value={u.key} ariaLabel={`Name of field ${i + 1}`} onChange={({ detail }) => set({ userFields: replace(fields.userFields, i, { ...u, key: detail.value }) })} />
              ),
            },
            {
              label: "Value",
              control: (u, i) => (
                <Input value={u.value} ariaLabel={`Value of field ${i + 1}`} onChange={({ detail }) => set({ userFields: replace(fields.userFields, i, { ...u, value: detail.value }) })} />
              ),
            },
          ]}
          onAddButtonClick={() => set({ userFields: [...fields.userFields, { key: "", value: "" }] })}
          onRemoveButtonClick={({ detail }) => set({ userFields: fields.userFields.filter((_, i) => i !== detail.itemIndex) })}
        />
      </FormField>
      <ExpandableSection
        headerText="More fields"
        defaultExpanded={seldom || errors.confidence !== undefined || errors.criticality !== undefined || errors.types !== undefined || errors.related !== undefined}
      >
        <SpaceBetween size="m">
          <ColumnLayout columns={2}>
            <FormField label={optional("Confidence")} constraintText="0 to 100" errorText={errors.confidence}>
              <Input value={fields.confidence} inputMode="numeric" onChange={({ detail }) => set({ confidence: detail.value })} />
            </FormField>
            <FormField label={optional("Criticality")} constraintText="0 to 100" errorText={errors.criticality}>
              <Input value={fields.criticality} inputMode="numeric" onChange={({ detail }) => set({ criticality: detail.value })} />
            </FormField>
          </ColumnLayout>
          <FormField label={optional("Types")} description="One a line, as TTPs/Discovery/Recon." errorText={errors.types}>
            <Textarea
              value={fields.types.join("\n")}
              rows={2}
              onChange={({ detail }) => set({ types: detail.value === "" ? [] : detail.value.split("\n") })}
            />
          </FormField>
          <FormField label={optional("Related findings")} errorText={errors.related} stretch>
            <AttributeEditor
              items={fields.related}
              addButtonText="Add a finding"
              removeButtonText="Remove"
              empty="None."
              definition={[
                {
                  label: "Product ARN",
                  control: (r, i) => (
                    <Input value={r.ProductArn} ariaLabel={`Product ARN of related finding ${i + 1}`} onChange={({ detail }) => set({ related: replace(fields.related, i, { ...r, ProductArn: detail.value }) })} />
                  ),
                },
                {
                  label: "Id",
                  control: (r, i) => (
                    <Input value={r.Id} ariaLabel={`Id of related finding ${i + 1}`} onChange={({ detail }) => set({ related: replace(fields.related, i, { ...r, Id: detail.value }) })} />
                  ),
                },
              ]}
              onAddButtonClick={() => set({ related: [...fields.related, { ProductArn: "", Id: "" }] })}
              onRemoveButtonClick={({ detail }) => set({ related: fields.related.filter((_, i) => i !== detail.itemIndex) })}
            />
          </FormField>
        </SpaceBetween>
      </ExpandableSection>
    </SpaceBetween>
  );
}

function optional(label: string) {
  return (
    <span>
      {label} <i>- optional</i>
    </span>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  values: readonly string[];
  onChange: (value: string) => void;
}

function Choice({ label, value, values, onChange }: ChoiceProps) {
  const options = ["", ...values].map((v) => ({ value: v, label: v === "" ? "Leave as it is" : v }));
  return (
    <FormField label={label}>
      <Select selectedOption={options.find((o) => o.value === value) ?? null} options={options} onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")} />
    </FormField>
  );
}

function replace<T>(list: readonly T[], at: number, item: T): T[] {
  return list.map((old, i) => (i === at ? item : old));
}
