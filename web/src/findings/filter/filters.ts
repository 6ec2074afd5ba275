import { type Condition, everything, isRaw, kindOf, type Operator, type Test } from "./condition";

/** AwsSecurityFindingFilters, or the criteria of an automation rule, as JSON: by attribute, what it is held against. */
export type Filters = Record<string, Record<string, unknown>[]>;

const comparisons: Readonly<Partial<Record<Operator, string>>> = {
  "=": "EQUALS",
  "!=": "NOT_EQUALS",
  "^": "PREFIX",
  "!^": "PREFIX_NOT_EQUALS",
  ":": "CONTAINS",
  "!:": "NOT_CONTAINS",
};

/** Why a condition cannot be said in the API's filters. */
export class NotInFilters extends Error {}

function filtersOf(t: Test): Record<string, unknown>[] {
  const kind = kindOf(t.attribute);
  switch (kind) {
    case "keyword":
      if (t.operator === ":") {
        return t.values.map((Value) => ({ Value }));
      }
      break;
    case "bool":
      return t.values.map((v) => ({ Value: v === "true" }));
    case "ip":
      if (t.operator === "=") {
        return t.values.map((Cidr) => ({ Cidr }));
      }
      break;
    case "number": {
      const member = { "=": "Eq", ">=": "Gte", "<=": "Lte", ">": "Gt", "<": "Lt" }[t.operator as string];
      if (member !== undefined) {
        return t.values.map((v) => ({ [member]: Number(v) }));
      }
      break;
    }
    case "date":
      return t.values.map((v) => dateFilter(t, v));
    case "string":
    case "map": {
      const Comparison = comparisons[t.operator];
      if (Comparison !== undefined) {
        return t.values.map((Value) => ({ ...(t.key === undefined ? {} : { Key: t.key }), Value, Comparison }));
      }
      break;
    }
    case undefined:
  }
  throw new NotInFilters(`The API's filters have no such test of ${t.attribute}.`);
}

function dateFilter(t: Test, value: string): Record<string, unknown> {
  if (t.operator === ">=" || t.operator === "<") {
    return { [t.operator === "<" ? "End" : "Start"]: /^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00Z` : value };
  }
  const m = /^(\d+) days?$/.exec(value);
  if (m?.[1] === undefined) {
    throw new NotInFilters(`In the API's filters dates are counted in days; ${t.attribute} says ${value}.`);
  }
  return { DateRange: { Value: Number(m[1]), Unit: "DAYS", Comparison: t.operator === ":" ? "WITHIN" : "OLDER_THAN" } };
}

const ranged = new Set([">=", "<=", ">", "<"]);

/** The condition as the API's filters say it, for insights and rules. Where they cannot, NotInFilters tells why. */
export function toFilters(c: Condition): Filters {
  if (c.join === "or" && c.tests.length > 1) {
    throw new NotInFilters("In the API's filters all tests must hold: they have no “or” between attributes.");
  }
  const out: Filters = {};
  const before = new Map<string, Test>();
  for (const t of c.tests) {
    if (isRaw(t)) {
      throw new NotInFilters(`The API's filters cannot say: ${t.raw}`);
    }
    const list = filtersOf(t);
    const have = out[t.attribute];
    const earlier = before.get(t.attribute);
    if (have === undefined || earlier === undefined) {
      out[t.attribute] = list;
      before.set(t.attribute, t);
      continue;
    }
    const negative = earlier.operator.startsWith("!") && t.operator.startsWith("!");
    const [one, other] = [have[0], list[0]];
    if (ranged.has(earlier.operator) && ranged.has(t.operator) && have.length === 1 && list.length === 1 && one !== undefined && other !== undefined) {
      out[t.attribute] = [{ ...one, ...other }]; // both ends of one range
    } else if (negative && kindOf(t.attribute) !== "date") {
      out[t.attribute] = [...have, ...list];
    } else {
      throw new NotInFilters(`In the API's filters several tests of ${t.attribute} are alternatives, not all of them must hold.`);
    }
  }
  return out;
}

const operators = new Map(Object.entries(comparisons).map(([operator, comparison]) => [comparison, operator as Operator]));

function testOf(attribute: string, f: Record<string, unknown>): Test[] | undefined {
  const kind = kindOf(attribute);
  const text = (name: string) => (typeof f[name] === "string" ? f[name] : undefined);
  const test = (operator: Operator, value: string | undefined, key?: string): Test[] | undefined =>
    value === undefined ? undefined : [{ attribute, operator, values: [value], ...(key === undefined ? {} : { key }) }];
  switch (kind) {
    case "string":
    case "map": {
      const operator = operators.get(text("Comparison") ?? "");
      return operator && test(operator, text("Value"), kind === "map" ? (text("Key") ?? "") : undefined);
    }
    case "keyword":
      return test(":", text("Value"));
    case "bool":
      return test("=", String(f["Value"]));
    case "ip":
      return test("=", text("Cidr"));
    case "number": {
      const ends = ([["Eq", "="], ["Gte", ">="], ["Lte", "<="], ["Gt", ">"], ["Lt", "<"]] as const).filter(([name]) => typeof f[name] === "number");
      return ends.length === 0 ? undefined : ends.flatMap(([name, operator]) => test(operator, String(f[name])) ?? []);
    }
    case "date": {
      const range = f["DateRange"] as { Value?: unknown; Comparison?: unknown } | undefined;
      if (range !== undefined) {
        return test(range.Comparison === "OLDER_THAN" ? "!:" : ":", `${String(range.Value)} days`);
      }
      const ends = ([["Start", ">="], ["End", "<"]] as const).flatMap(([name, operator]) => test(operator, text(name)) ?? []);
      return ends.length === 0 ? undefined : ends;
    }
    case undefined:
      return undefined;
  }
}

/** The condition that filters of the API say; undefined where the control cannot show it. */
export function fromFilters(filters: Filters | undefined): Condition | undefined {
  const tests: Test[] = [];
  for (const [attribute, list] of Object.entries(filters ?? {})) {
    const each = list.map((f) => testOf(attribute, f));
    const merged: Test[] = [];
    for (const some of each) {
      if (some === undefined || (some.length > 1 && each.length > 1)) {
        return undefined;
      }
      for (const t of some) {
        const same = merged.findIndex((m) => m.operator === t.operator && m.key === t.key);
        const before = merged[same];
        if (before === undefined || ranged.has(t.operator)) {
          merged.push(t);
        } else {
          merged[same] = { ...before, values: [...before.values, ...t.values] };
        }
      }
    }
    // Alternatives of different kinds on one attribute are more than the control shows, but for the two ends of a range.
    const positive = merged.filter((t) => !t.operator.startsWith("!"));
    if (positive.length > 1 && !(each.length === 1 && merged.every((t) => ranged.has(t.operator)))) {
      return undefined;
    }
    tests.push(...merged);
  }
  return tests.length === 0 ? everything : { join: "and", tests };
}
