import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Table from "@cloudscape-design/components/table";
import { harmless } from "../findings/harmless";
import type { ValueCount } from "./queries";
import "./worst.css";

interface WorstProps {
  title: string;
  /** What a row is, for the table's first column. */
  what: string;
  values: readonly ValueCount[] | undefined;
  /** Findings that have no such value. */
  missing?: number | undefined;
  href: (value: string) => string;
  empty: string;
}

/** How many rows each list has room for. It keeps that room while it loads, and when there are fewer. */
export const worstRows = 8;

/** The values with the most findings, each with a bar as long as its share of the first. */
export function Worst({ title, what, values, href, empty }: WorstProps) {
  const most = values?.[0]?.Count ?? 1;
  return (
    <Container fitHeight header={<Header variant="h2">{title}</Header>}>
      <div className="worst">
        <Table
          variant="embedded"
          contentDensity="compact"
          loading={values === undefined}
          loadingText="Loading"
          items={(values ?? []).slice(0, worstRows)}
          trackBy="Value"
          ariaLabels={{ tableLabel: title }}
          empty={<Box color="text-body-secondary">{empty}</Box>}
          columnDefinitions={[
            {
              id: "value",
              header: what,
              isRowHeader: true,
              cell: (v: ValueCount) => (
                <div className="worst-value">
                  <Link href={href(v.Value)} ariaLabel={`${v.Value}: ${v.Count} findings`}>
                    <span title={v.Value}>{harmless(v.Value)}</span>
                  </Link>
                  <div aria-hidden="true" className="worst-bar" style={{ width: `${(100 * v.Count) / most}%` }} />
                </div>
              ),
            },
            { id: "count", header: "Findings", width: 110, cell: (v: ValueCount) => v.Count.toLocaleString("en") },
          ]}
        />
      </div>
    </Container>
  );
}
