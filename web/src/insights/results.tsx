import BarChart from "@cloudscape-design/components/bar-chart";
import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { colorChartsStatusInfo } from "@cloudscape-design/design-tokens";
import { useState } from "react";
import { severities } from "../charts/severity";
import { chartStrings } from "../charts/strings";
import { harmless } from "../findings/harmless";

export interface ResultRow {
  value: string;
  count: number;
}

interface ResultsProps {
  attribute: string;
  rows: readonly ResultRow[];
  /** The address of the findings that have a value, where one can be told. */
  href: (value: string) => string | undefined;
  /** Absent: nothing can be chosen. */
  selected?: readonly ResultRow[];
  onSelect?: (rows: ResultRow[]) => void;
}

/** How many bars the chart has room for; the table has them all. */
const bars = 10;

/** An insight's results: a chart of the first ones, and all of them in a table that leads to their findings. */
export function Results({ attribute, rows, href, selected, onSelect }: ResultsProps) {
  const first = rows.slice(0, bars);
  const most = Math.max(4, ...first.map((r) => r.count));
  const [page, setPage] = useState(50);
  // Values may be long, and two long ones may begin alike: bars are told apart by their place.
  const name = (place: string) => shorten(harmless(first[Number(place)]?.value ?? ""));
  return (
    <SpaceBetween size="l">
      <BarChart
        ariaLabel={`Findings by ${attribute}`}
        ariaDescription={`A bar for each of the ${first.length} most frequent values. The table below has all of them.`}
        horizontalBars
        hideFilter
        hideLegend
        height={Math.max(120, first.length * 34)}
        xScaleType="categorical"
        xDomain={first.map((_, i) => `${i}`)}
        yDomain={[0, most]}
        xTickFormatter={name}
        series={[
          {
            type: "bar",
            title: "Findings",
            color: severities.find((s) => s.label === first[0]?.value)?.color ?? colorChartsStatusInfo,
            data: first.map((r, i) => ({ x: `${i}`, y: r.count })),
          },
        ]}
        detailPopoverFooter={(place) => {
          const to = href(first[Number(place)]?.value ?? "");
          return to !== undefined && <Link href={to}>Show these findings</Link>;
        }}
        empty={<Box textAlign="center" color="text-body-secondary">No finding matches now.</Box>}
        i18nStrings={chartStrings}
      />
      <Table<ResultRow>
        header={
          <Header variant="h3" counter={`(${rows.length}${rows.length === 100 ? "+" : ""})`}>
            Results
          </Header>
        }
        variant="embedded"
        contentDensity="compact"
        items={rows.slice(0, page)}
        trackBy="value"
        ariaLabels={{
          tableLabel: `Findings by ${attribute}`,
          selectionGroupLabel: "Choose results",
          allItemsSelectionLabel: () => "Choose all results",
          itemSelectionLabel: (_, r) => `Choose ${r.value}`,
        }}
        {...(onSelect === undefined
          ? {}
          : { selectionType: "multi" as const, selectedItems: [...(selected ?? [])], onSelectionChange: ({ detail }) => onSelect(detail.selectedItems) })}
        empty={<Box color="text-body-secondary">No finding matches now.</Box>}
        columnDefinitions={[
          {
            id: "value",
            header: attribute,
            isRowHeader: true,
            cell: (r) => {
              const to = href(r.value);
              const name = r.value === "" ? "(empty)" : harmless(r.value);
              return to === undefined ? (
                name
              ) : (
                <Link href={to} ariaLabel={`${name}: ${r.count} findings`}>
                  {name}
                </Link>
              );
            },
          },
          { id: "count", header: "Findings", width: 140, cell: (r) => r.count.toLocaleString("en") },
        ]}
        footer={
          rows.length > page && (
            <Box textAlign="center">
              <Link onFollow={() => setPage(rows.length)}>Show all {rows.length}</Link>
            </Box>
          )
        }
      />
    </SpaceBetween>
  );
}

/** The begin and the end of a long value: ARNs differ at their end. */
export function shorten(value: string, most = 40): string {
  const letters = [...value];
  if (letters.length <= most) {
    return value;
  }
  const end = Math.ceil((most - 1) * 0.6);
  return `${letters.slice(0, most - 1 - end).join("")}…${letters.slice(-end).join("")}`;
}
