import Box from "@cloudscape-design/components/box";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { type ReactNode, useState } from "react";
import { inWords } from "../findings/attributes";
import { harmless } from "../findings/harmless";
import { instantOf, When } from "./when";
import { isMap, sizeOf, Tree } from "./tree";

/** Members whose entries have names that somebody chose: they are shown letter by letter. */
const chosenNames = new Set(["ProductFields", "UserDefinedFields", "Tags", "Other", "Labels", "Details"]);

/** How many rows of a list stand on a page. */
const rowsPerPage = 20;

/** The name of a member of the format in words; any other name as it is. */
export function nameOf(member: string): string {
  return /^[A-Z][A-Za-z0-9]{0,60}$/.test(member) ? inWords(member) : harmless(member);
}

/** Whether a member is an instant, by its name and what it says. */
function isInstant(member: string, value: unknown): value is string {
  return member.endsWith("At") && typeof value === "string" && instantOf(value) !== undefined;
}

function isShort(value: unknown): boolean {
  return typeof value !== "object" || value === null || (Array.isArray(value) && value.every((v) => typeof v !== "object" || v === null));
}

/** A value of a named member, where there is little room. */
export function Value({ member, value }: { member: string; value: unknown }): ReactNode {
  return isInstant(member, value) ? <When at={value} /> : <Tree value={value} />;
}

interface MembersProps {
  value: Record<string, unknown>;
  /** Members that stand first. */
  first?: readonly string[];
}

/** An object of a finding, all of it: plain members side by side, lists of alike things as tables, the rest below its name. */
export function Members({ value, first = [] }: MembersProps) {
  const names = [...first.filter((n) => Object.hasOwn(value, n)), ...Object.keys(value).filter((n) => !first.includes(n))];
  const plain = names.filter((n) => isShort(value[n]));
  const nested = names.filter((n) => !isShort(value[n]));
  return (
    <SpaceBetween size="m">
      {plain.length > 0 && <KeyValuePairs columns={Math.min(4, Math.max(1, plain.length))} items={plain.map((n) => ({ label: nameOf(n), value: <Value member={n} value={value[n]} /> }))} />}
      {nested.map((n) => (
        <div key={n}>
          <Box variant="h3" padding={{ bottom: "xxs" }}>
            {nameOf(n)}
          </Box>
          <Part member={n} value={value[n]} />
        </div>
      ))}
    </SpaceBetween>
  );
}

/** What a member holds, by its shape. */
export function Part({ member, value, first = [] }: { member: string; value: unknown; first?: readonly string[] }): ReactNode {
  if (chosenNames.has(member) || sizeOf(value, 2001) > 2000) {
    return <Tree value={value} />;
  }
  if (isMap(value)) {
    return <Members value={value} first={first} />;
  }
  if (!Array.isArray(value) || value.length === 0 || !value.every(isMap)) {
    return <Tree value={value} />;
  }
  return value.every((v) => Object.values(v).every(isShort)) ? <Rows member={member} rows={value} first={first} /> : <Entries member={member} entries={value} first={first} />;
}

interface ListProps {
  member: string;
  first: readonly string[];
}

/** Alike things without parts of their own. */
function Rows({ member, rows, first }: ListProps & { rows: readonly Record<string, unknown>[] }) {
  const [page, setPage] = useState(1);
  const all = new Set(rows.flatMap((r) => Object.keys(r)));
  const names = [...first.filter((n) => all.has(n)), ...[...all].filter((n) => !first.includes(n))];
  return (
    <Table
      variant="embedded"
      wrapLines
      contentDensity="compact"
      ariaLabels={{ tableLabel: nameOf(member) }}
      items={rows.slice((page - 1) * rowsPerPage, page * rowsPerPage)}
      columnDefinitions={names.map((n, i) => ({ id: n, header: nameOf(n), isRowHeader: i === 0, cell: (r: Record<string, unknown>) => <Value member={n} value={r[n]} /> }))}
      {...(rows.length > rowsPerPage ? { pagination: <Pages page={page} of={Math.ceil(rows.length / rowsPerPage)} onChange={setPage} /> } : {})}
    />
  );
}

const naming = ["Id", "Name", "CveId", "Title", "Type", "ComponentId", "Value"];

/** What an entry of a list is called: its name where it has one, else its place. */
export function titleOf(entry: Record<string, unknown>, at: number): string {
  const name = naming.map((n) => entry[n]).find((v): v is string => typeof v === "string" && v !== "");
  return name === undefined ? `${at + 1}` : harmless(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}

/** Things that have parts of their own: each can be unfolded. */
function Entries({ entries, first }: ListProps & { entries: readonly Record<string, unknown>[] }) {
  const [page, setPage] = useState(1);
  const start = (page - 1) * rowsPerPage;
  return (
    <SpaceBetween size="xs">
      {entries.slice(start, start + rowsPerPage).map((e, i) => (
        <Unfolding key={start + i} title={titleOf(e, start + i)} opened={entries.length <= 3}>
          {() => <Members value={e} first={first} />}
        </Unfolding>
      ))}
      {entries.length > rowsPerPage && <Pages page={page} of={Math.ceil(entries.length / rowsPerPage)} onChange={setPage} />}
    </SpaceBetween>
  );
}

/** A section that makes what it holds when it is unfolded. */
export function Unfolding({ title, about, opened, children }: { title: string; about?: string; opened: boolean; children: () => ReactNode }) {
  const [open, setOpen] = useState(opened);
  return (
    <ExpandableSection headerText={<span className="finding-text">{title}</span>} {...(about === undefined ? {} : { headerDescription: about })} expanded={open} onChange={({ detail }) => setOpen(detail.expanded)}>
      {open && children()}
    </ExpandableSection>
  );
}

export function Pages({ page, of, onChange }: { page: number; of: number; onChange: (page: number) => void }) {
  return (
    <Pagination
      currentPageIndex={page}
      pagesCount={of}
      onChange={({ detail }) => onChange(detail.currentPageIndex)}
      ariaLabels={{ nextPageLabel: "Next page", previousPageLabel: "Previous page", pageLabel: (n) => `Page ${n}` }}
    />
  );
}

export function SectionHeader({ children, counter }: { children: ReactNode; counter?: number | undefined }) {
  return (
    <Header variant="h2" {...(counter === undefined ? {} : { counter: `(${counter.toLocaleString("en")})` })}>
      {children}
    </Header>
  );
}
