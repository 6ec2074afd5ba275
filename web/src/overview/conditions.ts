import { quote } from "../findings/where";

/** What is still to be worked off: neither resolved nor suppressed nor archived. */
export const open = "RecordState = ACTIVE and WorkflowStatus in (NEW, NOTIFIED)";

export const resolved = "(WorkflowStatus = RESOLVED or RecordState = ARCHIVED)";

export const failedControls = `ComplianceStatus = FAILED and ${open}`;

export function all(...conditions: string[]): string {
  return conditions.filter((c) => c !== "").join(" and ");
}

export function equals(attribute: string, value: string): string {
  return `${attribute} = ${quote(value)}`;
}

/** Findings whose date lies in a day of UTC, as 2026-11-22. */
export function onDay(attribute: string, day: string): string {
  return `${attribute} within [${day}, ${dayAfter(day)})`;
}

export function within(attribute: string, days: number): string {
  return `${attribute} within ${days} days`;
}

function dayAfter(day: string): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + 1);
  return at.toISOString().slice(0, 10);
}
