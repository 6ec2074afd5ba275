import type { AutomationRulesAction, AutomationRulesFindingFilters } from "@aws-sdk/client-securityhub";

/** A rule, or a draft of one, for /hubcap/v1/automation-rules/try and /run. */
export type ChosenRule = { RuleArn: string } | { Rule: { Criteria: AutomationRulesFindingFilters; Actions: AutomationRulesAction[] } };

export interface Update {
  UpdatedField: string;
  OldValue?: string;
  NewValue?: string;
}

/** What a rule would change of what is stored. */
export interface Trial {
  Matching: number;
  /** Of those that match, how many were looked at: all where Complete. */
  Examined: number;
  WouldChange: number;
  CouldNot: number;
  Complete: boolean;
  Samples: {
    AwsAccountId: string;
    FindingIdentifier: { Id: string; ProductArn: string };
    Title: string;
    Updates: Update[];
  }[];
}

/** A job, as /hubcap/v1/jobs tells. */
export interface Job {
  JobId: string;
  Kind: string;
  Status: "QUEUED" | "PREPARING" | "RUNNING" | "DONE" | "CANCELLED" | "FAILED";
  StartedBy: string;
  UndoOf?: string;
  CreatedAt: string;
  EndedAt?: string;
  Total: number;
  Done: number;
  Changed: number;
  Unchanged: number;
  NoLongerMatching: number;
  Failed: number;
  Failures?: { ErrorCode: string; ErrorMessage: string; Count: number }[];
  Message?: string;
  Parameters?: { RuleArn?: string };
}

export function isOver(job: Job): boolean {
  return job.Status === "DONE" || job.Status === "CANCELLED" || job.Status === "FAILED";
}

/** The attributes that criteria may speak of. */
export const criteriaAttributes = [
  "AwsAccountId",
  "AwsAccountName",
  "CompanyName",
  "ComplianceAssociatedStandardsId",
  "ComplianceSecurityControlId",
  "ComplianceStatus",
  "Confidence",
  "CreatedAt",
  "Criticality",
  "Description",
  "FirstObservedAt",
  "GeneratorId",
  "Id",
  "LastObservedAt",
  "NoteText",
  "NoteUpdatedAt",
  "NoteUpdatedBy",
  "ProductArn",
  "ProductName",
  "RecordState",
  "RelatedFindingsId",
  "RelatedFindingsProductArn",
  "ResourceApplicationArn",
  "ResourceApplicationName",
  "ResourceDetailsOther",
  "ResourceId",
  "ResourcePartition",
  "ResourceRegion",
  "ResourceTags",
  "ResourceType",
  "SeverityLabel",
  "SourceUrl",
  "Title",
  "Type",
  "UpdatedAt",
  "UserDefinedFields",
  "VerificationState",
  "WorkflowStatus",
] as const;
