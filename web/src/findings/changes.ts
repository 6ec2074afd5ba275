/** What a change of many findings may set: the members of BatchUpdateFindings. Undefined members stay as they are. */
export interface Changes {
  workflow?: string;
  note?: string;
  severity?: string;
  /** The severity as the product counts it, a number. */
  product?: string;
  verification?: string;
  confidence?: string;
  criticality?: string;
  types?: string;
  /** Findings that are related: a line each, the product ARN and the Id. */
  related?: string;
  fields?: { key: string; value: string }[];
}

/** What a form says that the API does not take: by member, a sentence. */
export function problemsOf(c: Changes): Partial<Record<keyof Changes, string>> {
  const out: Partial<Record<keyof Changes, string>> = {};
  for (const name of ["confidence", "criticality"] as const) {
    const text = c[name];
    if (text !== undefined && !(/^\d+$/.test(text) && Number(text) <= 100)) {
      out[name] = "A whole number from 0 to 100.";
    }
  }
  if (c.product !== undefined && (c.product.trim() === "" || !Number.isFinite(Number(c.product)))) {
    out.product = "A number.";
  }
  if (c.related !== undefined && !linesOf(c.related).every((l) => /^arn:\S+ \S/.test(l))) {
    out.related = "Each line has the product ARN, a space, and the Id.";
  } else if (c.related !== undefined && (linesOf(c.related).length === 0 || linesOf(c.related).length > 10)) {
    out.related = "1 to 10 findings.";
  }
  if (c.note !== undefined && (c.note === "" || characters(c.note) > 512)) {
    out.note = "1 to 512 characters.";
  }
  if (c.fields !== undefined) {
    const keys = c.fields.map((f) => f.key);
    if (keys.some((k) => !/^[A-Za-z0-9 .:+=@_/-]{1,128}$/.test(k))) {
      out.fields = "Keys have 1 to 128 letters, digits, spaces and + - = . : @ _ /";
    } else if (new Set(keys).size < keys.length) {
      out.fields = "A key stands there twice.";
    } else if (c.fields.length > 50) {
      out.fields = "At most 50 fields.";
    } else if (c.fields.some((f) => characters(f.value) > 1024)) {
      out.fields = "A value has at most 1,024 characters.";
    }
  }
  if (c.types !== undefined && linesOf(c.types).length > 50) {
    out.types = "At most 50 types.";
  }
  return out;
}

/** A text's length as the hub counts it: in code points. */
function characters(text: string): number {
  return [...text].length;
}

function linesOf(text: string): string[] {
  return text.split("\n").map((l) => l.trim()).filter((l) => l !== "");
}

/** The parameters of a job, or of BatchUpdateFindings. */
export function parametersOf(c: Changes, by: string): Record<string, unknown> {
  return {
    ...(c.workflow === undefined ? {} : { Workflow: { Status: c.workflow } }),
    ...(c.note === undefined ? {} : { Note: { Text: c.note, UpdatedBy: by } }),
    ...(c.severity === undefined && c.product === undefined ? {} : { Severity: { ...(c.severity === undefined ? {} : { Label: c.severity }), ...(c.product === undefined ? {} : { Product: Number(c.product) }) } }),
    ...(c.verification === undefined ? {} : { VerificationState: c.verification }),
    ...(c.confidence === undefined ? {} : { Confidence: Number(c.confidence) }),
    ...(c.criticality === undefined ? {} : { Criticality: Number(c.criticality) }),
    ...(c.types === undefined ? {} : { Types: linesOf(c.types) }),
    ...(c.related === undefined
      ? {}
      : { RelatedFindings: linesOf(c.related).map((l) => ({ ProductArn: l.slice(0, l.indexOf(" ")), Id: l.slice(l.indexOf(" ") + 1).trim() })) }),
    ...(c.fields === undefined ? {} : { UserDefinedFields: Object.fromEntries(c.fields.map((f) => [f.key, f.value])) }),
  };
}

export function isEmpty(c: Changes): boolean {
  return Object.keys(parametersOf(c, "")).length === 0;
}
