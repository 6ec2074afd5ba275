import type { AutomationRulesMetadata } from "@aws-sdk/client-securityhub";
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import Link from "@cloudscape-design/components/link";
import List from "@cloudscape-design/components/list";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";

export type RuleAct = "edit" | "try" | "run" | "enable" | "disable" | "delete";

interface RuleListProps {
  /** In the order in which they act. */
  rules: readonly AutomationRulesMetadata[];
  /** Why the order cannot be changed now; undefined where it can. */
  fixed: boolean;
  editHref: (arn: string) => string;
  onMove: (from: number, to: number) => void;
  onAct: (act: RuleAct, rule: AutomationRulesMetadata) => void;
}

/** The rules in the order in which they act. They are moved by dragging, or with the keyboard on the handle. */
export function RuleList({ rules, fixed, editHref, onMove, onAct }: RuleListProps) {
  return (
    <List
      ariaLabel="Automation rules, in the order in which they act"
      items={rules}
      sortable
      sortDisabled={fixed}
      onSortingChange={({ detail }) => {
        const moved = movement(rules, detail.items);
        if (moved !== undefined) {
          onMove(moved.from, moved.to);
        }
      }}
      renderItem={(rule) => ({
        id: rule.RuleArn ?? "",
        announcementLabel: rule.RuleName ?? "",
        content: (
          <SpaceBetween direction="horizontal" size="xs" alignItems="center">
            <Box variant="span" color="text-body-secondary">
              {rule.RuleOrder}
            </Box>
            <Link href={editHref(rule.RuleArn ?? "")}>{rule.RuleName}</Link>
            {rule.IsTerminal === true && <Badge color="grey">Last to act</Badge>}
          </SpaceBetween>
        ),
        secondaryContent: (
          <SpaceBetween size="xxs">
            <Box color="text-body-secondary" fontSize="body-s">
              {rule.Description}
            </Box>
            {rule.RuleStatus === "ENABLED" ? <StatusIndicator type="success">Enabled</StatusIndicator> : <StatusIndicator type="stopped">Disabled</StatusIndicator>}
          </SpaceBetween>
        ),
        actions: (
          <ButtonDropdown
            ariaLabel={`Actions of ${rule.RuleName ?? "the rule"}`}
            variant="icon"
            expandToViewport
            items={[
              { id: "edit", text: "Edit" },
              { id: "try", text: "Try it out" },
              { id: "run", text: "Run on what is stored" },
              rule.RuleStatus === "ENABLED" ? { id: "disable", text: "Disable" } : { id: "enable", text: "Enable" },
              { id: "delete", text: "Delete" },
            ]}
            onItemClick={({ detail }) => {
              const act = acts.find((a) => a === detail.id);
              if (act !== undefined) {
                onAct(act, rule);
              }
            }}
          />
        ),
      })}
      i18nStrings={{
        liveAnnouncementDndStarted: (position, total) => `Picked up the rule at position ${position} of ${total}`,
        liveAnnouncementDndDiscarded: "Moving was given up",
        liveAnnouncementDndItemReordered: (from, to, total) =>
          from === to ? `Back at position ${to} of ${total}` : `At position ${to} of ${total}`,
        liveAnnouncementDndItemCommitted: (from, to, total) =>
          from === to ? `The rule stays at position ${to} of ${total}` : `The rule was moved from position ${from} to ${to} of ${total}`,
        dragHandleAriaLabel: "Move",
        dragHandleAriaDescription: "Press space or enter to pick the rule up, the arrow keys to move it, space or enter to put it down, escape to give up.",
      }}
    />
  );
}

const acts: RuleAct[] = ["edit", "try", "run", "enable", "disable", "delete"];

/** Which item of a list was moved, and to where. */
export function movement<T extends { RuleArn?: string | undefined }>(before: readonly T[], after: readonly T[]): { from: number; to: number } | undefined {
  const id = (list: readonly T[], i: number) => list[i]?.RuleArn;
  let first = 0;
  while (first < before.length && id(before, first) === id(after, first)) {
    first++;
  }
  if (first === before.length) {
    return undefined;
  }
  let last = before.length - 1;
  while (id(before, last) === id(after, last)) {
    last--;
  }
  // Between them all stands one place further on than it did, or one place before.
  return id(before, first + 1) === id(after, first) && id(before, first) === id(after, last) ? { from: first, to: last } : { from: last, to: first };
}
