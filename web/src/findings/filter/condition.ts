import { type AttributeKind, attributes, isAttribute } from "../attributes";
import { quote } from "../where";

/** How a test compares, in the signs of the filter's control. On dates ":" is within the last, and "!:" longer ago than. */
export type Operator = "=" | "!=" | "^" | "!^" | ":" | "!:" | "<" | "<=" | ">" | ">=";

/** One test of one attribute. Of several values one must hold, or with "!" none may. */
export interface Test {
  readonly attribute: string;
  /** Of an attribute that is a map. */
  readonly key?: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** A part of a condition that the control cannot take apart: it is shown, and can be removed. */
export interface Raw {
  readonly raw: string;
}

/** Tests that all must hold, or of which one must. Without any it means every finding. */
export interface Condition {
  readonly join: "and" | "or";
  readonly tests: readonly (Test | Raw)[];
}

export const everything: Condition = { join: "and", tests: [] };

export function kindOf(name: string): AttributeKind | undefined {
  return isAttribute(name) ? attributes[name] : undefined;
}

/** The operators that an attribute of a kind takes, the usual one first. */
export const operatorsOf: Readonly<Record<AttributeKind, readonly Operator[]>> = {
  string: ["=", "!=", ":", "!:", "^", "!^"],
  map: ["=", "!=", ":", "!:", "^", "!^"],
  number: ["=", "!=", ">=", "<=", ">", "<"],
  date: [":", "!:", ">=", "<"],
  ip: ["=", "!="],
  bool: ["="],
  keyword: [":", "!:"],
};

export function isRaw(t: Test | Raw): t is Raw {
  return "raw" in t;
}

/** A value as the printed form has it: bare where that cannot be misread. */
function valueText(value: string): string {
  return /^[A-Z0-9_]+$/.test(value) ? value : quote(value);
}

const words: Readonly<Partial<Record<Operator, string>>> = { ":": "contains", "!:": "contains", "^": "startswith", "!^": "startswith" };

function testText(t: Test): { text: string; several: boolean } {
  const kind = kindOf(t.attribute) ?? "string";
  const name = t.key === undefined ? t.attribute : `${t.attribute}[${valueText(t.key)}]`;
  const negative = t.operator.startsWith("!");
  const one = (test: (value: string) => string) => {
    const each = t.values.map((v) => `${name} ${test(v)}`);
    return { text: each.join(negative ? " and " : " or "), several: each.length > 1 };
  };
  if (kind === "date" && (t.operator === ":" || t.operator === "!:")) {
    return one((v) => `${negative ? "older than" : "within"} ${v}`);
  }
  if (kind === "ip") {
    return one((v) => `${negative ? "not " : ""}in cidr ${quote(v)}`);
  }
  const word = words[t.operator];
  if (word !== undefined) {
    return one((v) => `${negative ? "not " : ""}${word} ${valueText(v)}`);
  }
  if ((t.operator === "=" || t.operator === "!=") && t.values.length > 1) {
    return { text: `${name} ${negative ? "not " : ""}in (${t.values.map(valueText).join(", ")})`, several: false };
  }
  return one((v) => `${t.operator} ${kind === "number" ? v : valueText(v)}`);
}

/** The condition in the printed form that the hub takes as Where; "" for every finding. */
export function toWhere(c: Condition): string {
  return c.tests
    .map((t) => {
      if (isRaw(t)) {
        return c.tests.length > 1 ? `(${t.raw})` : t.raw;
      }
      const { text, several } = testText(t);
      return several && c.tests.length > 1 ? `(${text})` : text;
    })
    .join(` ${c.join} `);
}

/** The condition with a further test that must hold too. */
export function withTest(c: Condition, t: Test): Condition {
  if (c.join === "or" && c.tests.length > 1) {
    return { join: "and", tests: [{ raw: toWhere(c) }, t] };
  }
  return { join: "and", tests: [...c.tests, t] };
}

/** What "=" asks of an attribute, where that is one test among those that must hold. */
export function chosen(c: Condition, attribute: string): readonly string[] {
  if (c.join === "or" && c.tests.length > 1) {
    return [];
  }
  const t = c.tests.find((test) => !isRaw(test) && test.attribute === attribute && test.operator === "=" && test.key === undefined);
  return t === undefined || isRaw(t) ? [] : t.values;
}

/** The condition with other values for what "=" asks of an attribute; none: it asks nothing. */
export function choose(c: Condition, attribute: string, values: readonly string[]): Condition {
  const mine = (t: Test | Raw) => !isRaw(t) && t.attribute === attribute && t.operator === "=" && t.key === undefined;
  const test: Test = { attribute, operator: "=", values };
  if ((c.join === "or" && c.tests.length > 1) || !c.tests.some(mine)) {
    return values.length === 0 ? c : withTest(c, test);
  }
  return { join: "and", tests: c.tests.flatMap((t) => (mine(t) ? (values.length === 0 ? [] : [test]) : [t])) };
}
