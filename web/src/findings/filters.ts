import type { PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import { attributes, isAttribute } from "./attributes";

/** One condition of a filter, as the control shows it. */
export interface Token {
  propertyKey: string;
  operator: PropertyFilterProps.ComparisonOperator;
  value: string;
}

/** AwsSecurityFindingFilters, or the part of it that rules take: conditions by attribute. */
export type Filters = Record<string, Condition[]>;
export type Condition = Record<string, unknown>;

const comparisons: Partial<Record<PropertyFilterProps.ComparisonOperator, string>> = {
  "=": "EQUALS",
  "!=": "NOT_EQUALS",
  "^": "PREFIX",
  "!^": "PREFIX_NOT_EQUALS",
  ":": "CONTAINS",
  "!:": "NOT_CONTAINS",
};

const operators = Object.fromEntries(Object.entries(comparisons).map(([o, c]) => [c, o])) as Record<string, PropertyFilterProps.ComparisonOperator>;

/** The comparisons that an attribute has, the usual one first. */
export function operatorsOf(attribute: string): PropertyFilterProps.ComparisonOperator[] {
  switch (isAttribute(attribute) ? attributes[attribute] : "string") {
    case "string":
      return ["=", "!=", ":", "!:", "^", "!^"];
    case "map":
      return ["=", "!=", ":", "!:"];
    case "number":
      return [">=", "<=", "="];
    case "date":
      return ["=", ">=", "<="];
    case "keyword":
      return [":"];
    default:
      return ["="];
  }
}

const relative = /^(?:last )?(\d{1,5})(?: days?)?$/;

/** Why a condition cannot be asked; undefined where it can. */
export function tokenError(t: Token): string | undefined {
  if (!isAttribute(t.propertyKey)) {
    return `${t.propertyKey} is no attribute to filter by.`;
  }
  if (!operatorsOf(t.propertyKey).includes(t.operator)) {
    return `${t.propertyKey} has no comparison ${t.operator}.`;
  }
  switch (attributes[t.propertyKey]) {
    case "number":
      return Number.isFinite(Number(t.value)) && t.value.trim() !== "" ? undefined : `${t.propertyKey}: ${t.value} is no number.`;
    case "date":
      if (t.operator === "=") {
        return relative.test(t.value) ? undefined : `${t.propertyKey}: write a number of days, as 7.`;
      }
      return instant(t.value) === undefined ? `${t.propertyKey}: write a date, as 2026-01-31.` : undefined;
    case "map":
      return /^[^=]+=/.test(t.value) ? undefined : `${t.propertyKey}: write key=value.`;
    case "bool":
      return t.value === "true" || t.value === "false" ? undefined : `${t.propertyKey}: true or false.`;
    default:
      return undefined;
  }
}

/** The filters that conditions mean. Those that are wrong are left out: ask tokenError first. */
export function filtersOf(tokens: readonly Token[]): Filters {
  const out: Filters = {};
  for (const t of tokens) {
    const list = (out[t.propertyKey] ??= []);
    const condition = conditionOf(t);
    const last = list.at(-1);
    // A lower and an upper end make one range.
    if (last !== undefined && isEnd(condition) && isEnd(last) && Object.keys(condition).every((k) => !(k in last))) {
      Object.assign(last, condition);
    } else {
      list.push(condition);
    }
  }
  return out;
}

function isEnd(c: Condition): boolean {
  const names = Object.keys(c);
  return names.length === 1 && ["Gte", "Lte", "Start", "End"].includes(names[0] ?? "");
}

function conditionOf(t: Token): Condition {
  switch (isAttribute(t.propertyKey) ? attributes[t.propertyKey] : "string") {
    case "number":
      return { [t.operator === ">=" ? "Gte" : t.operator === "<=" ? "Lte" : "Eq"]: Number(t.value) };
    case "date":
      return t.operator === "="
        ? { DateRange: { Value: Number(relative.exec(t.value)?.[1] ?? 0), Unit: "DAYS" } }
        : { [t.operator === ">=" ? "Start" : "End"]: instant(t.value) ?? t.value };
    case "ip":
      return { Cidr: t.value };
    case "bool":
      return { Value: t.value === "true" };
    case "keyword":
      return { Value: t.value };
    case "map": {
      const at = t.value.indexOf("=");
      return { Key: t.value.slice(0, at), Value: t.value.slice(at + 1), Comparison: comparisons[t.operator] ?? "EQUALS" };
    }
    default:
      return { Value: t.value, Comparison: comparisons[t.operator] ?? "EQUALS" };
  }
}

function instant(text: string): string | undefined {
  const ms = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  return /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(ms) ? new Date(ms).toISOString() : undefined;
}

/** The conditions of filters; undefined where the control could not show all that they say. */
export function tokensOf(filters: object): Token[] | undefined {
  const tokens: Token[] = [];
  for (const [propertyKey, list] of Object.entries(filters) as [string, unknown][]) {
    if (list === undefined) {
      continue;
    }
    if (!Array.isArray(list) || !isAttribute(propertyKey)) {
      return undefined;
    }
    for (const condition of list as Condition[]) {
      tokens.push(...(read(propertyKey, condition) ?? []));
    }
  }
  // What is shown must mean what was there.
  return same(filtersOf(tokens), filters) ? tokens : undefined;
}

function read(propertyKey: string, c: Condition): Token[] | undefined {
  const token = (operator: PropertyFilterProps.ComparisonOperator, value: unknown): Token => ({ propertyKey, operator, value: text(value) });
  if (c["Cidr"] !== undefined) {
    return [token("=", c["Cidr"])];
  }
  if (c["DateRange"] !== undefined) {
    const range = c["DateRange"] as { Value?: unknown };
    return [token("=", `last ${text(range.Value)} days`)];
  }
  if (c["Key"] !== undefined) {
    return [token(operators[text(c["Comparison"])] ?? "=", `${text(c["Key"])}=${text(c["Value"])}`)];
  }
  if (c["Comparison"] !== undefined) {
    return [token(operators[text(c["Comparison"])] ?? "=", c["Value"])];
  }
  if (c["Value"] !== undefined) {
    return [token(typeof c["Value"] === "boolean" ? "=" : ":", c["Value"])];
  }
  const out: Token[] = [];
  for (const [name, operator] of [["Gte", ">="], ["Lte", "<="], ["Eq", "="], ["Start", ">="], ["End", "<="]] as const) {
    if (c[name] !== undefined) {
      out.push(token(operator, c[name]));
    }
  }
  return out;
}

function text(v: unknown): string {
  return typeof v === "string" ? v : typeof v === "number" || typeof v === "boolean" ? String(v) : "";
}

/** Whether two filters say the same, whatever the order of members. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(v: unknown): unknown {
  if (Array.isArray(v)) {
    return v.map(sorted);
  }
  if (v instanceof Date) {
    return v.toISOString();
  }
  if (typeof v === "object" && v !== null) {
    return Object.fromEntries(
      Object.entries(v)
        .filter(([, x]) => x !== undefined)
        .sort(([x], [y]) => (x < y ? -1 : 1))
        .map(([k, x]) => [k, sorted(x)]),
    );
  }
  return v;
}
