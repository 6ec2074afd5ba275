import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { identify, narrowed, openHub } from "./hub";
import { Problem, problemOf } from "./problem";
import type { Session } from "./session";

const session: Session = {
  info: { Auth: "sigv4", Profile: "open", Region: "us-east-1", Version: "v1" },
  keyId: "AKIDEXAMPLE",
  secret: "a-secret-that-nobody-may-see",
  region: "eu-west-1",
  account: "111122223333",
  arn: "arn",
  only: undefined,
};

const fetched = vi.fn<typeof fetch>();

beforeEach(() => {
  vi.stubGlobal("fetch", fetched);
});
afterEach(() => {
  vi.unstubAllGlobals();
  fetched.mockReset();
});

const json = (body: unknown, status = 200, headers: Record<string, string> = {}) => new Response(JSON.stringify(body), { status, headers });

describe("own", () => {
  it("signs for the Region and never sends the secret", async () => {
    fetched.mockResolvedValue(json({ Count: 5 }));
    await expect(openHub(session, "http://hub.example:4510").own("GET", "rates", { query: { minutes: "60", by: ["a b", "c"] } })).resolves.toEqual({ Count: 5 });
    const [url, init] = fetched.mock.calls[0] ?? [];
    expect(url).toBe("http://hub.example:4510/hubcap/v1/rates?minutes=60&by=a%20b&by=c");
    const headers = new Headers(init?.headers);
    expect(headers.get("authorization")).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/securityhub\/aws4_request, SignedHeaders=[a-z0-9;-]*host/);
    expect(JSON.stringify(fetched.mock.calls)).not.toContain(session.secret);
    expect(init?.credentials).toBe("omit");
  });

  it("tells what the hub said no to", async () => {
    fetched.mockResolvedValue(json({ Code: "InvalidInputException", Message: "Invalid parameter 'Days'." }, 400, { "x-amzn-requestid": "r-1" }));
    const error = await openHub(session, "http://hub.example").own("GET", "series").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ code: "InvalidInputException", message: "Invalid parameter 'Days'.", status: 400, requestId: "r-1", passing: false });
  });

  it.each([
    [429, true],
    [503, true],
    [500, true],
    [403, false],
  ])("of a %i asking again may help: %s", async (status, passing) => {
    fetched.mockResolvedValue(new Response("<html>", { status }));
    await expect(openHub(session, "http://hub.example").own("GET", "series")).rejects.toMatchObject({ status, passing });
  });

  it("tells that nobody answers", async () => {
    fetched.mockRejectedValue(new TypeError("Failed to fetch"));
    await expect(openHub(session, "http://hub.example").own("GET", "series")).rejects.toMatchObject({ code: "Unreachable", passing: true });
  });

  it("gives up when nobody waits any more", async () => {
    const control = new AbortController();
    fetched.mockImplementation((_, init) => new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error))));
    const asked = openHub(session, "http://hub.example").own("GET", "series", { signal: control.signal });
    const failed = expect(asked).rejects.toMatchObject({ name: "AbortError" });
    await vi.waitFor(() => expect(fetched).toHaveBeenCalled());
    control.abort();
    await failed;
  });
});

describe("narrowed", () => {
  it("asks about one account, whatever else is asked", () => {
    expect(narrowed("groups", { Where: "A = b or C = d", Groups: [] }, "111122223333")).toEqual({ Where: 'AwsAccountId = "111122223333" and (A = b or C = d)', Groups: [] });
    expect(narrowed("series", { Days: 3 }, "111122223333")).toEqual({ Days: 3, Where: 'AwsAccountId = "111122223333"' });
    expect(narrowed("jobs", { Where: "all" }, "111122223333")).toEqual({ Where: 'AwsAccountId = "111122223333"' });
    expect(narrowed("findings/search", { Filters: { Title: [] } }, "111122223333")).toEqual({
      Filters: { Title: [], AwsAccountId: [{ Value: "111122223333", Comparison: "EQUALS" }] },
    });
  });

  it("leaves other questions alone", () => {
    const body = { Sink: "x" };
    expect(narrowed("events/replay", body, "111122223333")).toBe(body);
    expect(narrowed("groups", body, undefined)).toBe(body);
  });
});

describe("identify", () => {
  it("tells who a key is", async () => {
    fetched.mockResolvedValue(new Response("<R><Arn>arn:aws:iam::111122223333:user/a&amp;b</Arn><Account>111122223333</Account></R>"));
    await expect(identify({ id: "AK", secret: "s" }, "us-east-1", "http://hub.example")).resolves.toEqual({ account: "111122223333", arn: "arn:aws:iam::111122223333:user/a&b" });
  });

  it("tells why the hub does not know it", async () => {
    fetched.mockResolvedValue(new Response("<E><Code>InvalidSignatureException</Code><Message>The signature does not match.</Message></E>", { status: 403 }));
    await expect(identify({ id: "AK", secret: "s" }, "us-east-1", "http://hub.example")).rejects.toMatchObject({ message: "The signature does not match.", status: 403 });
  });
});

it("problemOf knows what the SDK throws", () => {
  const thrown = Object.assign(new Error("slow down"), { name: "ThrottlingException", $metadata: { httpStatusCode: 429, requestId: "r" } });
  expect(problemOf(thrown)).toMatchObject({ code: "ThrottlingException", status: 429, passing: true, requestId: "r", message: "slow down" });
  expect(problemOf(new TypeError("Failed to fetch"))).toMatchObject({ code: "Unreachable", status: 0 });
});
