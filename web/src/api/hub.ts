import { SecurityHubClient } from "@aws-sdk/client-securityhub";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { quote } from "../findings/where";
import { Problem, problemOf } from "./problem";
import type { Key, Session } from "./session";

/** How long a request may take, in milliseconds. The hub itself gives a question less. */
const patience = 45_000;

type Query = Record<string, string | string[]>;

/** The hub as one caller reaches it in one Region: the API's operations by the SDK, and hubcap's own routes. */
export interface Hub {
  readonly session: Session;
  /** Caches of answers begin with it: what one caller saw in one Region is never shown as another's. */
  readonly cacheKey: readonly string[];
  /** Calls one of hubcap's own routes: the path behind /hubcap/v1/. */
  own<T>(method: "GET" | "POST", path: string, ask?: { body?: unknown; query?: Query; signal?: AbortSignal | undefined }): Promise<T>;
  /** Opens a route that goes on answering. */
  stream(path: string, query: Query, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** Sends a command of the SDK. */
  send: SecurityHubClient["send"];
}

export function openHub(session: Session, origin = window.location.origin): Hub {
  const credentials = { accessKeyId: session.keyId, secretAccessKey: session.secret };
  const client = new SecurityHubClient({
    endpoint: origin,
    region: session.region,
    credentials,
    maxAttempts: 2,
    requestHandler: { requestTimeout: patience },
  });
  const signer = new SignatureV4({ credentials, region: session.region, service: "securityhub", sha256: Sha256 });
  const url = new URL(origin);

  async function fetchSigned(method: string, path: string, query: Query, body: string | undefined, accept: string, signal: AbortSignal): Promise<Response> {
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: `/hubcap/v1/${path}`,
      query,
      headers: { host: url.host, accept, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body,
    });
    const { host: _, ...headers } = signed.headers; // the browser's own
    const search = new URLSearchParams();
    for (const [name, values] of Object.entries(query)) {
      for (const value of [values].flat()) {
        search.append(name, value);
      }
    }
    const text = search.size === 0 ? "" : `?${search.toString().replaceAll("+", "%20")}`;
    let answer: Response;
    try {
      answer = await fetch(`${origin}/hubcap/v1/${path}${text}`, { method, headers, body: body ?? null, signal, cache: "no-store", credentials: "omit" });
    } catch (e) {
      signal.throwIfAborted();
      throw problemOf(e);
    }
    if (!answer.ok) {
      throw await refusal(answer);
    }
    return answer;
  }

  return {
    session,
    cacheKey: [session.keyId, session.region, session.only ?? ""],
    async own<T>(method: "GET" | "POST", path: string, { body, query = {}, signal }: { body?: unknown; query?: Query; signal?: AbortSignal | undefined } = {}): Promise<T> {
      const within = AbortSignal.timeout(patience);
      const both = signal === undefined ? within : AbortSignal.any([signal, within]);
      try {
        const text = body === undefined ? undefined : JSON.stringify(narrowed(path, body, session.only));
        const answer = await fetchSigned(method, path, query, text, "application/json", both);
        return (await answer.json()) as T;
      } catch (e) {
        throw within.aborted && !(signal?.aborted ?? false) ? new Problem("The hub took too long to answer.", "Slow", 0) : e;
      }
    },
    async stream(path, query, signal) {
      const answer = await fetchSigned("GET", path, query, undefined, "text/event-stream", signal);
      if (answer.body === null) {
        throw new Problem("The answer has no body.", "Unreachable", 0);
      }
      return answer.body;
    },
    send: client.send.bind(client) as SecurityHubClient["send"],
  };
}

/** Routes that ask about findings by Where or Filters. */
const asking = /^(findings\/(search|count|export)|groups|series|explain|jobs)$/;

/** A question about findings, narrowed to one account where somebody looks at one alone. */
export function narrowed(path: string, body: unknown, only: string | undefined): unknown {
  if (only === undefined || !asking.test(path) || typeof body !== "object" || body === null) {
    return body;
  }
  const ask = body as { Where?: string; Filters?: Record<string, unknown> };
  if (ask.Filters !== undefined) {
    return { ...ask, Filters: { ...ask.Filters, AwsAccountId: [{ Value: only, Comparison: "EQUALS" }] } };
  }
  const where = ask.Where?.trim() ?? "";
  const account = `AwsAccountId = ${quote(only)}`;
  return { ...ask, Where: where === "" || where === "all" ? account : `${account} and (${where})` };
}

/** Who a key is to the hub. The hub answers as STS does. */
export async function identify(key: Key, region: string, origin = window.location.origin): Promise<{ account: string; arn: string }> {
  const signer = new SignatureV4({ credentials: { accessKeyId: key.id, secretAccessKey: key.secret }, region, service: "sts", sha256: Sha256 });
  const url = new URL(origin);
  const body = "Action=GetCallerIdentity&Version=2011-06-15";
  const signed = await signer.sign({
    method: "POST",
    protocol: url.protocol,
    hostname: url.hostname,
    path: "/",
    headers: { host: url.host, "content-type": "application/x-www-form-urlencoded" },
    body,
  });
  const { host: _, ...headers } = signed.headers;
  const answer = await fetch(`${origin}/`, { method: "POST", headers, body, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(patience) }).catch((e: unknown) => {
    throw problemOf(e);
  });
  const said = new DOMParser().parseFromString(await answer.text(), "text/xml");
  const text = (name: string) => said.getElementsByTagName(name)[0]?.textContent ?? "";
  if (!answer.ok) {
    throw new Problem(text("Message") || `The hub answered ${answer.status}.`, text("Code") || `HTTP ${answer.status}`, answer.status, text("RequestId") || undefined);
  }
  return { account: text("Account"), arn: text("Arn") };
}

async function refusal(answer: Response): Promise<Problem> {
  const body: unknown = await answer.json().catch(() => undefined);
  const said = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const text = (...names: string[]) => names.map((n) => said[n]).find((v): v is string => typeof v === "string" && v !== "");
  const code = text("Code", "code", "__type") ?? answer.headers.get("x-amzn-errortype")?.split(":")[0] ?? `HTTP ${answer.status}`;
  return new Problem(text("Message", "message") ?? `The hub answered ${answer.status}.`, code, answer.status, answer.headers.get("x-amzn-requestid") ?? undefined);
}
