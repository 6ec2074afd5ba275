/** What the tail shows of an event. */
export interface TailedEvent {
  id: string;
  time: string;
  type: string;
  account: string;
  region: string;
  title: string;
  severity: string;
  /** The whole event, as it came. */
  text: string;
}

/** Reads an event in EventBridge's form. Whatever it holds is text; what cannot be read is shown as it came. */
export function readEvent(id: string, text: string): TailedEvent {
  const event = object(parse(text));
  const findings = object(event["detail"])["findings"];
  const finding = object(Array.isArray(findings) ? findings[0] : undefined);
  return {
    id,
    time: string(event["time"]),
    type: string(event["detail-type"]),
    account: string(event["account"]),
    region: string(event["region"]),
    title: string(finding["Title"]) || string(object(event["detail"])["insightName"]),
    severity: string(object(finding["Severity"])["Label"]),
    text,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function object(v: unknown): Record<string, unknown> {
  return typeof v === "object" && v !== null ? (v as Record<string, unknown>) : {};
}

function string(v: unknown): string {
  return typeof v === "string" ? v : "";
}
