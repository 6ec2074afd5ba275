import { isMap } from "./tree";

/** One thing that a change made different: where within the member ("" for the member itself), and both values; undefined: there was none. */
export interface Difference {
  path: string;
  before: string | undefined;
  after: string | undefined;
}

/** A change's value may be JSON: lists and maps are, plain text and what is cut off are not. Numbers stay text, to keep their digits. */
function parsed(text: string | undefined): unknown {
  if (text === undefined || !/^\s*[[{]/.test(text)) {
    return text;
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : typeof value === "string" ? value : JSON.stringify(value);
}

/** Nothing, in the shape of the other side: so that what came or went is told part by part. */
function emptyAs(value: unknown): unknown {
  return Array.isArray(value) && value.length > 0 ? [] : isMap(value) && Object.keys(value).length > 0 ? {} : undefined;
}

function walk(path: string, before: unknown, after: unknown, out: Difference[]): void {
  if (before === undefined && emptyAs(after) !== undefined) {
    walk(path, emptyAs(after), after, out);
    return;
  }
  if (after === undefined && emptyAs(before) !== undefined) {
    walk(path, before, emptyAs(before), out);
    return;
  }
  if (isMap(before) && isMap(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      walk(path === "" ? name : `${path}.${name}`, Object.hasOwn(before, name) ? before[name] : undefined, Object.hasOwn(after, name) ? after[name] : undefined, out);
    }
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    lists(path, before, after, out);
    return;
  }
  const [b, a] = [textOf(before), textOf(after)];
  if (b !== a) {
    out.push({ path, before: b, after: a });
  }
}

/** Entries that both lists have are no difference, wherever they stand; one against one is looked into. */
function lists(path: string, before: readonly unknown[], after: readonly unknown[], out: Difference[]): void {
  const key = (v: unknown) => JSON.stringify(v);
  const counts = new Map<string, number>();
  for (const v of after) {
    counts.set(key(v), (counts.get(key(v)) ?? 0) + 1);
  }
  const gone = before.filter((v) => {
    const n = counts.get(key(v)) ?? 0;
    counts.set(key(v), n - 1);
    return n <= 0;
  });
  const come = [...after].reverse().filter((v) => {
    const n = counts.get(key(v)) ?? 0;
    counts.set(key(v), n - 1);
    return n > 0;
  }).reverse();
  if (gone.length === 0 && come.length === 0) {
    if (before.some((v, i) => key(v) !== key(after[i]))) {
      out.push({ path, before: textOf(before), after: textOf(after) });
    }
    return;
  }
  if (gone.length === 1 && come.length === 1 && isMap(gone[0]) && isMap(come[0])) {
    walk(`${path}[${after.indexOf(come[0]) + 1}]`, gone[0], come[0], out);
    return;
  }
  out.push(...gone.map((v) => ({ path, before: textOf(v), after: undefined })), ...come.map((v) => ({ path, before: undefined, after: textOf(v) })));
}

/** What is different between two values of a history's change, part by part. */
export function differences(before: string | undefined, after: string | undefined): Difference[] {
  const [b, a] = [parsed(before), parsed(after)];
  const out: Difference[] = [];
  walk("", b, a, out);
  return out.length > 0 || before === after ? out : [{ path: "", before, after }];
}
