import type { AutomationRulesAction, AutomationRulesFindingFieldsUpdate } from "@aws-sdk/client-securityhub";

/** A rule's action as the form holds it: every field as text, "" for one that the rule leaves alone. */
export interface ActionFields {
  severity: string;
  workflow: string;
  verification: string;
  confidence: string;
  criticality: string;
  noteText: string;
  noteBy: string;
  types: string[];
  userFields: { key: string; value: string }[];
  related: { ProductArn: string; Id: string }[];
}

export const noFields: ActionFields = {
  severity: "",
  workflow: "",
  verification: "",
  confidence: "",
  criticality: "",
  noteText: "",
  noteBy: "",
  types: [],
  userFields: [],
  related: [],
};

export const severities = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"] as const;
export const workflows = ["NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"] as const;
export const verifications = ["UNKNOWN", "TRUE_POSITIVE", "FALSE_POSITIVE", "BENIGN_POSITIVE"] as const;

/** What is wrong with the fields, by the field's name. */
export type FieldErrors = Partial<Record<keyof ActionFields | "all", string>>;

export function checkFields(f: ActionFields): FieldErrors {
  const errors: FieldErrors = {};
  for (const name of ["confidence", "criticality"] as const) {
    if (f[name] !== "" && !/^(\d|[1-9]\d|100)$/.test(f[name].trim())) {
      errors[name] = "A whole number from 0 to 100.";
    }
  }
  if (f.noteText === "" && f.noteBy !== "") {
    errors.noteText = "A note needs a text.";
  }
  if (f.noteText !== "" && f.noteBy === "") {
    errors.noteBy = "A note says who wrote it.";
  }
  const keys = f.userFields.map((u) => u.key);
  if (keys.some((k) => k.trim() === "")) {
    errors.userFields = "Every field needs a name.";
  } else if (new Set(keys).size < keys.length) {
    errors.userFields = "Two fields have the same name.";
  }
  if (f.related.some((r) => r.Id.trim() === "" || r.ProductArn.trim() === "")) {
    errors.related = "A related finding needs a product ARN and an id.";
  }
  if (named(f.types).some((t) => !/^[^/]+(\/[^/]*){0,2}$/.test(t))) {
    errors.types = "A type is namespace/category/classifier, of which the last two may be left out.";
  }
  if (Object.keys(errors).length === 0 && changedFields(f).length === 0) {
    errors.all = "The rule must change something: set at least one field.";
  }
  return errors;
}

/** The members of a finding that the action sets, as the API names them. */
export function changedFields(f: ActionFields): string[] {
  return Object.keys(fieldsUpdate(f));
}

/** The action as the API takes it. Of a kept one that is edited, a severity's numbers stay as long as its label does: the form has no place for them. */
export function actionsOf(f: ActionFields, kept?: readonly AutomationRulesAction[]): AutomationRulesAction[] {
  return [{ Type: "FINDING_FIELDS_UPDATE", FindingFieldsUpdate: fieldsUpdate(f, kept?.[0]?.FindingFieldsUpdate) }];
}

function fieldsUpdate(f: ActionFields, kept?: AutomationRulesFindingFieldsUpdate): AutomationRulesFindingFieldsUpdate {
  const out: AutomationRulesFindingFieldsUpdate = {};
  const severity = severities.find((s) => s === f.severity);
  if (kept?.Severity !== undefined && (kept.Severity.Label ?? "") === f.severity) {
    out.Severity = kept.Severity;
  } else if (severity !== undefined) {
    out.Severity = { Label: severity };
  }
  const workflow = workflows.find((s) => s === f.workflow);
  if (workflow !== undefined) {
    out.Workflow = { Status: workflow };
  }
  const verification = verifications.find((s) => s === f.verification);
  if (verification !== undefined) {
    out.VerificationState = verification;
  }
  if (f.confidence !== "") {
    out.Confidence = Number(f.confidence);
  }
  if (f.criticality !== "") {
    out.Criticality = Number(f.criticality);
  }
  if (f.noteText !== "") {
    out.Note = { Text: f.noteText, UpdatedBy: f.noteBy };
  }
  const types = named(f.types);
  if (types.length > 0) {
    out.Types = types;
  }
  if (f.userFields.length > 0) {
    out.UserDefinedFields = Object.fromEntries(f.userFields.map((u) => [u.key, u.value]));
  }
  if (f.related.length > 0) {
    out.RelatedFindings = f.related;
  }
  return out;
}

/** Lines that say something. */
function named(lines: readonly string[]): string[] {
  return lines.map((l) => l.trim()).filter((l) => l !== "");
}

/** The form's fields of a rule that is kept. */
export function fieldsOf(actions: readonly AutomationRulesAction[] | undefined): ActionFields {
  const u = actions?.[0]?.FindingFieldsUpdate;
  if (u === undefined) {
    return noFields;
  }
  return {
    severity: u.Severity?.Label ?? "",
    workflow: u.Workflow?.Status ?? "",
    verification: u.VerificationState ?? "",
    confidence: u.Confidence?.toString() ?? "",
    criticality: u.Criticality?.toString() ?? "",
    noteText: u.Note?.Text ?? "",
    noteBy: u.Note?.UpdatedBy ?? "",
    types: u.Types ?? [],
    userFields: Object.entries(u.UserDefinedFields ?? {}).map(([key, value]) => ({ key, value })),
    related: (u.RelatedFindings ?? []).map((r) => ({ ProductArn: r.ProductArn ?? "", Id: r.Id ?? "" })),
  };
}
