import { type ReactNode, useState } from "react";
import { harmless } from "../findings/harmless";
import { Text } from "./text";

/** How many entries of a list or of a map are shown before one asks for more. */
const step = 50;

/** Parts with more values than this, all levels counted, are folded. */
const roomy = 30;

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How many values something holds, all levels counted, as far as one needs to know. */
export function sizeOf(value: unknown, enough = roomy + 1): number {
  if (typeof value !== "object" || value === null) {
    return 1;
  }
  let n = 0;
  for (const v of Array.isArray(value) ? value : Object.values(value)) {
    n += sizeOf(v, enough - n);
    if (n >= enough) {
      break;
    }
  }
  return n;
}

/** Anything a finding may hold, as names and values: what no other part of the page knows is shown so. */
export function Tree({ value }: { value: unknown }): ReactNode {
  if (value === null || value === undefined || value === "") {
    return "–";
  }
  if (typeof value === "string") {
    return <Text value={value} />;
  }
  if (typeof value !== "object") {
    return String(value);
  }
  const entries: [string, unknown][] = Array.isArray(value) ? value.map((v, i) => [`${i + 1}`, v]) : Object.entries(value);
  if (entries.length === 0) {
    return Array.isArray(value) ? "An empty list" : "–";
  }
  if (Array.isArray(value) && entries.every(([, v]) => typeof v !== "object" || v === null)) {
    return (
      <ul className="finding-list">
        <Steps items={entries} what="values">
          {([at, v]) => (
            <li key={at}>
              <Tree value={v} />
            </li>
          )}
        </Steps>
      </ul>
    );
  }
  return (
    <dl className="finding-tree">
      <Steps items={entries} what={Array.isArray(value) ? "entries" : "members"}>
        {([name, v]) => <Branch key={name} name={name} value={v} />}
      </Steps>
    </dl>
  );
}

function Branch({ name, value }: { name: string; value: unknown }) {
  const folded = typeof value === "object" && value !== null && sizeOf(value) > roomy;
  return (
    <>
      <dt>{harmless(name)}</dt>
      <dd>{folded ? <Fold value={value} name={name} /> : <Tree value={value} />}</dd>
    </>
  );
}

function Fold({ name, value }: { name: string; value: object }) {
  const [open, setOpen] = useState(false);
  const n = Array.isArray(value) ? value.length : Object.keys(value).length;
  const what = `${n.toLocaleString("en")} ${Array.isArray(value) ? "entries" : "members"}`;
  return (
    <>
      <button type="button" className="finding-fold" aria-expanded={open} aria-label={`${harmless(name)}: ${what}`} onClick={() => setOpen(!open)}>
        {open ? "Hide" : "Show"} {what}
      </button>
      {open && <Tree value={value} />}
    </>
  );
}

interface StepsProps<T> {
  items: readonly T[];
  /** What they are, in the plural. */
  what: string;
  children: (item: T) => ReactNode;
}

/** The first items of many, and more of them as one asks. */
function Steps<T>({ items, what, children }: StepsProps<T>) {
  const [shown, setShown] = useState(step);
  const rest = items.length - shown;
  const more = (
    <button type="button" className="finding-fold" onClick={() => setShown(shown + Math.max(step, shown))}>
      Show more of {items.length.toLocaleString("en")} {what}
    </button>
  );
  return (
    <>
      {items.slice(0, shown).map(children)}
      {rest > 0 && (what === "values" ? <li>{more}</li> : <dd>{more}</dd>)}
    </>
  );
}
