import { partitionOf } from "../accounts/partition";

/** The numbers of the insights that every account has: the API lists custom ones alone, and tells these by ARN. */
const numbers = [
  1, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37,
];

/** The ARNs of the managed insights in a Region's partition. */
export function managedInsights(region: string): string[] {
  return numbers.map((n) => `arn:${partitionOf(region)}:securityhub:::insight/securityhub/default/${n}`);
}

export function isManaged(arn: string): boolean {
  return arn.includes(":insight/securityhub/default/");
}
