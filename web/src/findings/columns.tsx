import Link from "@cloudscape-design/components/link";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import type { TableProps } from "@cloudscape-design/components/table";
import type { Finding } from "./finding";
import { harmless } from "./harmless";
import { findingHref } from "./link";
import { Moment } from "./moment";
import { Severity } from "./severity";

export interface Column extends TableProps.ColumnDefinition<Finding> {
  id: string;
  header: string;
  /** The cell as text, for files. */
  text: (f: Finding) => string;
}

/** What a workflow status or compliance status looks like. */
const states: Record<string, StatusIndicatorProps.Type> = {
  NEW: "pending",
  NOTIFIED: "in-progress",
  RESOLVED: "success",
  SUPPRESSED: "stopped",
  PASSED: "success",
  FAILED: "error",
  WARNING: "warning",
  NOT_AVAILABLE: "stopped",
};

export function State({ value }: { value: string | undefined }) {
  return value === undefined ? <>–</> : <StatusIndicator type={states[value] ?? "info"}>{harmless(value.charAt(0) + value.slice(1).toLowerCase().replaceAll("_", " "))}</StatusIndicator>;
}

function plain(id: string, header: string, text: (f: Finding) => string | number | undefined, sortingField?: string): Column {
  return {
    id,
    header,
    width: 180,
    text: (f) => String(text(f) ?? ""),
    cell: (f) => {
      const value = text(f);
      return value === undefined || value === "" ? "–" : <span className="finding-title">{harmless(String(value))}</span>;
    },
    ...(sortingField === undefined ? {} : { sortingField }),
  };
}

function moment(id: string, header: string, at: (f: Finding) => string | undefined, sortingField: string): Column {
  return { id, header, sortingField, width: 150, text: (f) => at(f) ?? "", cell: (f) => <Moment at={at(f)} /> };
}

/** The columns that there are; sortingField is the filter attribute that the hub sorts by. */
export const columns: readonly Column[] = [
  { id: "severity", header: "Severity", sortingField: "SeverityLabel", width: 140, text: (f) => f.Severity?.Label ?? "", cell: (f) => <Severity label={f.Severity?.Label} /> },
  {
    id: "title",
    header: "Title",
    sortingField: "Title",
    width: 340,
    isRowHeader: true,
    text: (f) => f.Title ?? "",
    cell: (f) => (
      <Link href={findingHref(f)}>
        <span className="finding-title">{harmless(f.Title ?? "")}</span>
      </Link>
    ),
  },
  { id: "workflow", header: "Workflow status", sortingField: "WorkflowStatus", width: 190, text: (f) => f.Workflow?.Status ?? "", cell: (f) => <State value={f.Workflow?.Status} /> },
  { ...plain("resource", "Resource", (f) => f.Resources?.[0]?.Id, "ResourceId"), width: 280 },
  plain("resources", "Resources", (f) => f.Resources?.length),
  plain("resourceType", "Resource type", (f) => f.Resources?.[0]?.Type, "ResourceType"),
  { ...plain("product", "Product", (f) => f.ProductName, "ProductName"), width: 170 },
  plain("company", "Company", (f) => f.CompanyName, "CompanyName"),
  { ...plain("account", "Account", (f) => f.AwsAccountId, "AwsAccountId"), width: 150 },
  plain("accountName", "Account name", (f) => f.AwsAccountName, "AwsAccountName"),
  { ...plain("region", "Region", (f) => f.Region, "Region"), width: 130 },
  { id: "compliance", header: "Compliance", sortingField: "ComplianceStatus", width: 150, text: (f) => f.Compliance?.Status ?? "", cell: (f) => <State value={f.Compliance?.Status} /> },
  plain("control", "Control", (f) => f.Compliance?.SecurityControlId, "ComplianceSecurityControlId"),
  plain("recordState", "Record state", (f) => f.RecordState, "RecordState"),
  plain("generator", "Generator", (f) => f.GeneratorId, "GeneratorId"),
  plain("types", "Types", (f) => f.Types?.join(", "), "Type"),
  plain("vulnerabilities", "Vulnerabilities", (f) => f.Vulnerabilities?.map((v) => v.Id).join(", ")),
  plain("confidence", "Confidence", (f) => f.Confidence, "Confidence"),
  plain("criticality", "Criticality", (f) => f.Criticality, "Criticality"),
  plain("note", "Note", (f) => f.Note?.Text, "NoteText"),
  plain("id", "Id", (f) => f.Id, "Id"),
  moment("updated", "Updated", (f) => f.UpdatedAt, "UpdatedAt"),
  moment("created", "Created", (f) => f.CreatedAt, "CreatedAt"),
  moment("firstObserved", "First observed", (f) => f.FirstObservedAt, "FirstObservedAt"),
  moment("lastObserved", "Last observed", (f) => f.LastObservedAt, "LastObservedAt"),
];

export const usualColumns: readonly string[] = ["severity", "title", "workflow", "resource", "product", "account", "region", "updated"];
