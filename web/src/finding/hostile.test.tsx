import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fireEvent, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import type { Finding } from "../findings/finding";
import { harmless } from "../findings/harmless";
import { FakeHub, show } from "../testing/fake_hub";
import FindingPage from "./page";

/** The format's types, as the hub itself reads them: of each the members, with a type such as []Resource, {}string, #RecordState. */
const shapes = new Map<string, [name: string, type: string][]>();
for (const line of readFileSync(resolve(import.meta.dirname, "../../../internal/asff/schema.txt"), "utf8").split("\n")) {
  const member = /^ (\w+)!? (\S+)/.exec(line);
  if (member?.[1] !== undefined && member[2] !== undefined) {
    [...shapes.values()].at(-1)?.push([member[1], member[2]]);
  } else if (/^\w+$/.test(line)) {
    shapes.set(line, []);
  }
}

/** A value of a type with every member there is; texts are what `text` makes, and so are the names in maps. */
function full(type: string, text: () => string, depth = 0): unknown {
  if (type.startsWith("[]")) {
    return [full(type.slice(2), text, depth)];
  }
  if (type.startsWith("{}")) {
    return { [text()]: full(type.slice(2), text, depth) };
  }
  const members = shapes.get(type);
  if (members === undefined) {
    return { int32: 7, int64: 7, float64: 0.5, bool: true }[type] ?? text();
  }
  return depth > 12 ? text() : Object.fromEntries(members.map(([name, of]) => [name, full(of, text, depth + 1)]));
}

const evil = [
  '<script>document.title="owned"</script>',
  '<img src=x onerror=alert(1)>"><svg onload=alert(1)>',
  "javascript:alert(1)",
  "JaVaScRiPt\n:alert(1)",
  " \u0001javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:x",
  "//evil.example/x",
  "https://user:secret@evil.example/",
  "https://example.com/\"onmouseover='x'",
  "[a](javascript:alert(1))",
  "\u202egnp.exe\u2066\u200b",
  "\u0000\u001b[31m\u0007",
  "\ud800 half",
  "{{constructor.constructor('alert(1)')()}} ${7*7}",
  "' or \"1\" = \"1",
  "__proto__",
  "x".repeat(20_000),
  "\n".repeat(500),
  "",
];

function hub(finding: object, extra: Record<string, () => unknown> = {}) {
  const it = new FakeHub({
    "POST findings/search": ({ MaxResults }) => ({ Findings: MaxResults === 20 ? [finding] : [] }),
    "POST findings/count": () => ({ Count: 1 }),
    DescribeActionTargets: () => ({ ActionTargets: [] }),
    GetFindingHistory: () => ({ Records: [] }),
    ...extra,
  });
  it.stream.mockImplementation(() => Promise.resolve(new Response(`${JSON.stringify(finding)}\n`).body ?? new ReadableStream()));
  return it;
}

function unfoldAll(within_: HTMLElement) {
  for (;;) {
    const folded = [...within_.querySelectorAll<HTMLElement>('[aria-expanded="false"]')];
    const more = [...within_.querySelectorAll<HTMLElement>("button.finding-fold:not([aria-expanded])")];
    if (folded.length + more.length === 0) {
      return;
    }
    [...folded, ...more].forEach((e) => fireEvent.click(e));
  }
}

function expectHarmless() {
  const scripted = [...document.querySelectorAll("*")].filter((e) => ["SCRIPT", "IFRAME", "OBJECT", "EMBED", "IMG"].includes(e.tagName) || [...e.attributes].some((a) => a.name.startsWith("on") || a.name === "srcdoc"));
  expect(scripted).toEqual([]);
  for (const a of document.querySelectorAll("[href], [src], [action], [formaction], [xlink\\:href]")) {
    const href = a.getAttribute("href") ?? a.getAttribute("src") ?? "";
    if (a.tagName === "use") {
      continue;
    }
    expect(a.tagName).toBe("A");
    if (href.startsWith("/console/")) {
      expect(a.getAttribute("target")).toBeNull();
    } else {
      expect(href).toMatch(/^https?:\/\/[^@]*$/);
      expect(a.getAttribute("rel")).toBe("noopener noreferrer");
      expect(a.getAttribute("target")).toBe("_blank");
    }
  }
  // Nothing that hides, controls or turns text around reaches the page.
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  expect(document.body.textContent).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udbff](?![\udc00-\udfff])/);
}

const address = "/finding?product=p&id=i";

/** What the chosen tab shows. By selectors: roles and names of a page this large take long to compute. */
function tabPanel(): HTMLElement {
  const panel = [...document.querySelectorAll<HTMLElement>("[role=tabpanel]")].find((e) => e.childElementCount > 0);
  expect(panel).toBeDefined();
  return panel ?? document.body;
}

async function tab(name: RegExp): Promise<HTMLElement> {
  fireEvent.click([...document.querySelectorAll<HTMLElement>("[role=tab]")].find((e) => name.test(e.textContent ?? "")) ?? document.body);
  await waitFor(() => expect(document.querySelector("[role=tab][aria-selected=true]")?.textContent).toMatch(name));
  return tabPanel();
}

async function shown(): Promise<HTMLElement> {
  await waitFor(() => expect(document.querySelector("[role=tab]")).not.toBeNull(), { timeout: 30_000 });
  return tabPanel();
}

let complaints: MockInstance<Console["error"]>;

beforeEach(() => {
  document.title = "hubcap";
  complaints = vi.spyOn(console, "error"); // React tells there what it does not like
});

describe("a finding full of what is hostile", () => {
  // Each member has another of the texts, and another one each time.
  it.each([0, 3, 7, 12, 16])("in every member, from the text %i on", async (from) => {
    let n = from;
    const next = () => evil[n++ % evil.length] ?? "";
    const text = next();
    const { Resources, ...rest } = full("AwsSecurityFinding", next) as Finding & Record<string, unknown>;
    const resource = { ...(Resources?.[0] as object), Details: { [text]: text, Other: { [text]: text }, AwsEc2Instance: { ImageId: text } } };
    const finding = { ...rest, Resources: [resource], [`${text}X`]: text, Unknown: { [text]: [text, { [text]: text }] } };
    show(<FindingPage />, hub(finding, { GetFindingHistory: () => ({ Records: [{ UpdateTime: new Date(0), UpdateSource: { Type: text, Identity: text }, Updates: [{ UpdatedField: text, OldValue: text, NewValue: JSON.stringify({ [text]: text }) }] }] }) }), address);
    await shown();
    unfoldAll(tabPanel());
    expectHarmless();
    for (const name of [/^Resources/, /^History/, /^Related/, /^JSON/]) {
      unfoldAll(await tab(name));
      expectHarmless();
    }
    await waitFor(() => expect(document.querySelector("pre")).not.toBeNull());
    expectHarmless();
    expect(document.title).toBe("hubcap");
    expect(complaints).not.toHaveBeenCalled();
  }, 60_000);

  it("every member is shown, and those that nobody knows", async () => {
    let n = 0;
    const marks: string[] = [];
    const text = () => {
      marks.push(`mark-${n++}-`);
      return marks.at(-1) ?? "";
    };
    const { Resources: _, ...rest } = full("AwsSecurityFinding", text) as Record<string, unknown>;
    marks.splice(0, marks.length, ...marks.filter((m) => JSON.stringify(rest).includes(m)));
    const unknown = { NewMember: text(), Deep: { of: [{ a: text() }, [text()]] } };
    show(<FindingPage />, hub({ ...rest, ...unknown, Resources: [] }), address);
    await shown();
    unfoldAll(document.body);
    const page = document.body.textContent ?? "";
    expect(marks.length).toBeGreaterThan(150);
    expect(marks.filter((m) => !page.includes(m))).toEqual([]);
  }, 60_000);

  it("every member of a resource is shown", async () => {
    let n = 0;
    const marks: string[] = [];
    const text = () => {
      marks.push(`mark-${n++}-`);
      return marks.at(-1) ?? "";
    };
    const Details = full("AwsEc2InstanceDetails", text);
    const { Details: _, ...plain } = full("Resource", () => "x") as Record<string, unknown>;
    show(<FindingPage />, hub({ Id: "i", ProductArn: "p", Title: "t", Resources: [{ ...plain, Details: { AwsEc2Instance: Details, Other: { [text()]: text() } }, NotKnown: { a: text() } }] }), `${address}&tab=resources`);
    const panel = await shown();
    unfoldAll(panel);
    expect(marks.length).toBeGreaterThan(10);
    expect(marks.filter((m) => !(panel.textContent ?? "").includes(m))).toEqual([]);
  }, 60_000);

  it("ten thousand resources: only a page of them is made, and any can be found", async () => {
    const Resources = Array.from({ length: 10_000 }, (_, i) => ({ Type: "Other", Id: `resource-${i}`, Tags: { n: `${i}` } }));
    show(<FindingPage />, hub({ Id: "i", ProductArn: "p", Title: "t", Resources }), `${address}&tab=resources`);
    const panel = await shown();
    expect(within(panel).getAllByText(/^resource-\d+$/)).toHaveLength(20);
    fireEvent.change(within(panel).getByLabelText("Find resources"), { target: { value: "resource-9876" } });
    await waitFor(() => expect(within(panel).getAllByText(/^resource-\d+$/).map((e) => e.textContent)).toEqual(["resource-9876"]));
  }, 60_000);

  it("members of another shape than the format's", async () => {
    const odd = [null, 0, true, "text", [], {}, [[1]], [null], { a: null }];
    const members = shapes.get("AwsSecurityFinding")?.map(([name]) => name) ?? [];
    for (const value of odd) {
      const finding = { ...Object.fromEntries(members.filter((m) => !["Title", "Id", "ProductArn", "Region", "AwsAccountId", "ProductName", "Severity", "Workflow", "Resources", "Compliance", "RelatedFindings", "UpdatedAt", "GeneratorId"].includes(m)).map((m) => [m, value])), Id: "i", ProductArn: "p", Title: "odd" };
      const { unmount } = show(<FindingPage />, hub(finding), address);
      await shown();
      expect(document.querySelector("h1")).toHaveTextContent("odd");
      unmount();
    }
  });
});

it("no page writes HTML", () => {
  const sources = import.meta.glob("../**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
  const bad = Object.entries(sources).filter(([path, text]) => !path.includes(".test.") && /dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML|document\.write/.test(String(text)));
  expect(Object.keys(sources).length).toBeGreaterThan(50);
  expect(bad.map(([path]) => path)).toEqual([]);
});

it("harmless text is what is shown", () => {
  expect(harmless("\u202e")).toBe("\\u202e");
});
