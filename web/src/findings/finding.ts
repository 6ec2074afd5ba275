import type { AwsSecurityFinding } from "@aws-sdk/client-securityhub";
import { quote } from "./where";

/** A finding as the hub keeps it: the members of the format, and what else its provider sent. */
export type Finding = AwsSecurityFinding;

/** What names a finding among all: BatchUpdateFindings' identifier, with account and Region. */
export function keyOf(f: Finding): string {
  return [f.AwsAccountId, f.Region, f.ProductArn, f.Id].join("\n");
}

/** The condition that holds for this finding alone. */
export function only(f: Finding): string {
  const parts: [string, string | undefined][] = [["Id", f.Id], ["ProductArn", f.ProductArn], ["AwsAccountId", f.AwsAccountId], ["Region", f.Region]];
  return parts.flatMap(([name, value]) => (value === undefined ? [] : [`${name} = ${quote(value)}`])).join(" and ");
}

/** The condition that holds for these findings. */
export function anyOf(findings: readonly Finding[]): string {
  return findings.map((f) => (findings.length > 1 ? `(${only(f)})` : only(f))).join(" or ");
}
