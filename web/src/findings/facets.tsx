import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useRef, useState } from "react";
import type { Groups } from "../overview/queries";
import { type Condition, choose, chosen } from "./filter/condition";
import { harmless } from "./harmless";
import { facets } from "./queries";
import "./findings.css";

interface FacetsProps {
  condition: Condition;
  counts: Groups | undefined;
  onChange: (c: Condition) => void;
}

/** How high a value is, in pixels, with the space below it. */
const rowHeight = 24;

/** Values to choose from, each with how many findings have it. */
export function Facets({ condition, counts, onChange }: FacetsProps) {
  const [open, setOpen] = useState(false);
  // A list keeps the room that it had when it was longest, and has some before the first answer: what stands below it stays in its place.
  const rows = useRef(new Map<string, number>(facets.map((f) => [f.attribute, f.usually])));
  return (
    <nav aria-label="Filter by value" className={open ? "facets facets-open" : "facets"}>
      <div className="facets-toggle">
        <Button iconName={open ? "angle-up" : "angle-down"} ariaExpanded={open} onClick={() => setOpen(!open)}>
          Filter by value
        </Button>
      </div>
      <div className="facets-list">
        <SpaceBetween size="xs">
          {facets.map(({ attribute, name }, i) => {
            const group = counts?.Groups.find((g) => g.Attribute === attribute);
            const picked = chosen(condition, attribute);
            const values = [
              ...picked.filter((v) => !group?.Values.some((o) => o.Value === v)).map((Value) => ({ Value, Count: group === undefined ? undefined : 0 })),
              ...(group?.Values ?? []),
            ];
            const room = Math.max(rows.current.get(attribute) ?? 0, values.length + (group?.More === true ? 1 : 0));
            rows.current.set(attribute, room);
            return (
              <ExpandableSection key={attribute} headerText={name} defaultExpanded={i < 5} variant="footer">
                <div style={{ minHeight: room * rowHeight }}>
                  {values.length === 0 && <Box color="text-status-inactive">{counts === undefined ? "…" : "No values"}</Box>}
                  {values.map((v) => (
                    <div key={v.Value} className="facet">
                      <Checkbox
                        checked={picked.includes(v.Value)}
                        ariaLabel={`${name} ${harmless(v.Value)}${v.Count === undefined ? "" : `, ${v.Count.toLocaleString("en")} findings`}`}
                        onChange={({ detail }) => onChange(choose(condition, attribute, detail.checked ? [...picked, v.Value] : picked.filter((o) => o !== v.Value)))}
                      >
                        <span className="facet-value">{harmless(v.Value)}</span>
                      </Checkbox>
                      <span className="facet-count" aria-hidden="true">
                        {v.Count?.toLocaleString("en") ?? ""}
                      </span>
                    </div>
                  ))}
                  {group?.More === true && <Box color="text-status-inactive" fontSize="body-s">More in the filter above</Box>}
                </div>
              </ExpandableSection>
            );
          })}
        </SpaceBetween>
      </div>
    </nav>
  );
}
