import Badge, { type BadgeProps } from "@cloudscape-design/components/badge";
import { harmless } from "./harmless";

const colors: Record<string, NonNullable<BadgeProps["color"]>> = {
  CRITICAL: "severity-critical",
  HIGH: "severity-high",
  MEDIUM: "severity-medium",
  LOW: "severity-low",
  INFORMATIONAL: "severity-neutral",
};

/** A severity's label, in its colour and in words. */
export function Severity({ label }: { label: string | undefined }) {
  if (label === undefined) {
    return <>–</>;
  }
  return <Badge color={colors[label] ?? "severity-neutral"}>{harmless(label.charAt(0) + label.slice(1).toLowerCase())}</Badge>;
}
