import { type Condition, everything, kindOf, type Operator, type Test } from "./condition";

interface Token {
  readonly kind: "word" | "text" | "sign" | "end";
  readonly value: string;
}

const pattern = /\s*(?:("(?:[^"\\]|\\.)*")|([<>!=]=|[=()[\],<>])|([^\s"=()[\],<>!]+))/y;

function tokens(where: string): Token[] | undefined {
  const list: Token[] = [];
  pattern.lastIndex = 0;
  while (where.slice(pattern.lastIndex).trim() !== "") {
    const m = pattern.exec(where);
    if (m === null) {
      return undefined;
    }
    if (m[1] !== undefined) {
      try {
        list.push({ kind: "text", value: JSON.parse(m[1]) as string });
      } catch {
        return undefined; // an escape that JSON does not have
      }
    } else if (m[2] !== undefined) {
      list.push({ kind: "sign", value: m[2] });
    } else {
      list.push({ kind: "word", value: m[3] ?? "" });
    }
  }
  return list;
}

class NotSimple extends Error {}

/** Reads the printed form as far as the control shows it: tests joined by one word, and several values of one test. */
class Reader {
  private at = 0;

  constructor(private readonly list: readonly Token[]) {}

  private get token(): Token {
    return this.list[this.at] ?? { kind: "end", value: "" };
  }

  private is(value: string): boolean {
    const t = this.token;
    return t.kind === "sign" ? t.value === value : t.kind === "word" && t.value.toLowerCase() === value;
  }

  private take(value: string): boolean {
    if (!this.is(value)) {
      return false;
    }
    this.at++;
    return true;
  }

  private need(value: string): void {
    if (!this.take(value)) {
      throw new NotSimple();
    }
  }

  private value(): string {
    const t = this.token;
    if (t.kind !== "word" && t.kind !== "text") {
      throw new NotSimple();
    }
    this.at++;
    return t.value;
  }

  private word(): string {
    if (this.token.kind !== "word") {
      throw new NotSimple();
    }
    return this.value();
  }

  all(): Condition {
    const { join, tests } = this.joined(() => (this.take("(") ? this.group() : this.test()));
    if (this.token.kind !== "end") {
      throw new NotSimple();
    }
    return { join, tests };
  }

  private joined(part: () => Test): { join: "and" | "or"; tests: Test[] } {
    const tests = [part()];
    let join: "and" | "or" | undefined;
    for (;;) {
      const next = this.is("and") ? "and" : this.is("or") ? "or" : undefined;
      if (next === undefined) {
        return { join: join ?? "and", tests };
      }
      if (join !== undefined && join !== next) {
        throw new NotSimple();
      }
      join = next;
      this.at++;
      tests.push(part());
    }
  }

  /** Several values of one test, behind the parenthesis. */
  private group(): Test {
    const { join, tests } = this.joined(() => this.test());
    this.need(")");
    const first = tests[0];
    if (first === undefined) {
      throw new NotSimple();
    }
    const same = tests.every((t) => t.attribute === first.attribute && t.key === first.key && t.operator === first.operator);
    if (!same || (tests.length > 1 && join !== (first.operator.startsWith("!") ? "and" : "or"))) {
      throw new NotSimple();
    }
    return { ...first, values: tests.flatMap((t) => t.values) };
  }

  private test(): Test {
    const name = this.word();
    const kind = kindOf(name);
    if (kind === undefined) {
      throw new NotSimple();
    }
    let key: string | undefined;
    if (kind === "map") {
      this.need("[");
      key = this.value();
      this.need("]");
    }
    const made = (operator: Operator, values: string[]): Test => ({ attribute: name, operator, values, ...(key === undefined ? {} : { key }) });
    for (const sign of [">=", "<=", ">", "<"] as const) {
      if (this.take(sign)) {
        return made(sign, [this.value()]);
      }
    }
    if (this.take("=") || this.take("==")) {
      return made("=", [this.value()]);
    }
    if (this.take("!=")) {
      return made("!=", [this.value()]);
    }
    const not = this.take("not") ? "!" : "";
    if (this.take("startswith") || this.take("prefix")) {
      return made(`${not}^`, [this.value()]);
    }
    if (this.take("contains")) {
      return made(`${not}:`, [this.value()]);
    }
    if (this.take("in")) {
      if (this.take("cidr")) {
        return made(`${not}=`, [this.value()]);
      }
      return made(`${not}=`, this.values());
    }
    if (kind === "date" && not === "" && this.take("within")) {
      return made(":", [this.duration()]);
    }
    if (kind === "date" && not === "" && this.take("older")) {
      this.need("than");
      return made("!:", [this.duration()]);
    }
    throw new NotSimple();
  }

  private values(): string[] {
    this.need("(");
    const values = [this.value()];
    while (this.take(",")) {
      values.push(this.value());
    }
    this.need(")");
    return values;
  }

  private duration(): string {
    const n = this.word();
    const unit = this.word().toLowerCase();
    if (!/^\d+$/.test(n) || !/^(minute|hour|day|week)s?$/.test(unit)) {
      throw new NotSimple();
    }
    return `${n} ${unit}`;
  }
}

/** The condition that a text in the printed form says. What the control cannot take apart stays as it is: the hub judges it. */
export function fromWhere(where: string): Condition {
  const text = where.trim();
  if (text === "" || text.toLowerCase() === "all") {
    return everything;
  }
  const list = tokens(text);
  if (list !== undefined) {
    try {
      return new Reader(list).all();
    } catch (e) {
      if (!(e instanceof NotSimple)) {
        throw e;
      }
    }
  }
  return { join: "and", tests: [{ raw: text }] };
}
