import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Table from "@cloudscape-design/components/table";
import type { ReactNode } from "react";

export interface NumberColumn<Row> {
  id: string;
  header: string;
  cell: (row: Row) => ReactNode;
}

export interface NumbersProps<Row> {
  /** What the rows are of: the table's name for who cannot see the chart. */
  label: string;
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  columns: NumberColumn<Row>[];
}

/** The numbers behind a chart, as a table that opens below it. */
export function Numbers<Row>({ label, rows, rowKey, columns }: NumbersProps<Row>) {
  return (
    <ExpandableSection headerText="Show as a table" headerAriaLabel={`${label}: show as a table`} variant="footer">
      <Table
        variant="embedded"
        contentDensity="compact"
        items={rows}
        trackBy={rowKey}
        columnDefinitions={columns.map((c, i) => ({ id: c.id, header: c.header, cell: c.cell, isRowHeader: i === 0 }))}
        ariaLabels={{ tableLabel: label }}
        empty="No numbers."
      />
    </ExpandableSection>
  );
}
