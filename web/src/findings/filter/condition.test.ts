import { describe, expect, it } from "vitest";
import { attributes } from "../attributes";
import { choose, chosen, type Condition, everything, operatorsOf, type Test, toWhere, withTest } from "./condition";
import { fromFilters, NotInFilters, toFilters } from "./filters";
import { fromWhere } from "./parse";

const and = (...tests: Condition["tests"]): Condition => ({ join: "and", tests });

describe("conditions in the printed form", () => {
  it.each<[Condition, string]>([
    [everything, ""],
    [and({ attribute: "SeverityLabel", operator: "=", values: ["HIGH"] }), "SeverityLabel = HIGH"],
    [and({ attribute: "SeverityLabel", operator: "=", values: ["HIGH", "CRITICAL"] }), "SeverityLabel in (HIGH, CRITICAL)"],
    [and({ attribute: "SeverityLabel", operator: "!=", values: ["LOW", "MEDIUM"] }), "SeverityLabel not in (LOW, MEDIUM)"],
    [and({ attribute: "Title", operator: ":", values: ['say "no" \\ \n'] }), 'Title contains "say \\"no\\" \\\\ \\n"'],
    [and({ attribute: "Title", operator: "!^", values: ["a", "b"] }), 'Title not startswith "a" and Title not startswith "b"'],
    [and({ attribute: "ResourceTags", key: "env", operator: "=", values: ["prod"] }), 'ResourceTags["env"] = "prod"'],
    [and({ attribute: "Confidence", operator: ">=", values: ["50"] }, { attribute: "Confidence", operator: "<", values: ["90.5"] }), "Confidence >= 50 and Confidence < 90.5"],
    [and({ attribute: "UpdatedAt", operator: ":", values: ["7 days"] }), "UpdatedAt within 7 days"],
    [and({ attribute: "UpdatedAt", operator: "!:", values: ["12 hours"] }), "UpdatedAt older than 12 hours"],
    [and({ attribute: "CreatedAt", operator: ">=", values: ["2026-01-31"] }), 'CreatedAt >= "2026-01-31"'],
    [and({ attribute: "NetworkSourceIpV4", operator: "=", values: ["10.0.0.0/8"] }), 'NetworkSourceIpV4 in cidr "10.0.0.0/8"'],
    [and({ attribute: "Keyword", operator: ":", values: ["bucket"] }), 'Keyword contains "bucket"'],
    [
      and({ attribute: "Type", operator: "^", values: ["TTPs", "Effects"] }, { attribute: "RecordState", operator: "=", values: ["ACTIVE"] }),
      '(Type startswith "TTPs" or Type startswith "Effects") and RecordState = ACTIVE',
    ],
    [
      { join: "or", tests: [{ attribute: "Region", operator: "=", values: ["eu-west-1"] }, { attribute: "Sample", operator: "=", values: ["true"] }] },
      'Region = "eu-west-1" or Sample = "true"',
    ],
  ])("%j", (c, text) => {
    expect(toWhere(c)).toBe(text);
    expect(toWhere(fromWhere(text))).toBe(text);
  });

  it("comes back for every attribute and operator", () => {
    const valueOf = { string: "a b", map: "c=d", number: "7", date: "2026-01-02T03:04:05Z", ip: "2001:db8::/32", bool: "false", keyword: "Ünïcode ☂" };
    for (const [attribute, kind] of Object.entries(attributes)) {
      for (const operator of operatorsOf[kind]) {
        const value = kind === "date" && operator.endsWith(":") ? "3 weeks" : valueOf[kind];
        const t: Test = { attribute, operator, values: [value], ...(kind === "map" ? { key: "k [1]" } : {}) };
        expect(fromWhere(toWhere(and(t)))).toEqual(and(t));
      }
    }
  });

  it.each([
    "SeverityLabel = HIGH and (Region = a or Title contains b)",
    "not (SeverityLabel = HIGH)",
    "Confidence within [50, 90)",
    "Title exists",
    "nonsense ((",
    'Title = "\\x41"',
    "a = 1 or b = 2 and c = 3",
  ])("leaves what it cannot take apart: %s", (where) => {
    expect(fromWhere(where)).toEqual(and({ raw: where }));
    expect(toWhere(fromWhere(where))).toBe(where);
    const more = withTest(fromWhere(where), { attribute: "Region", operator: "=", values: ["X"] });
    expect(toWhere(more)).toBe(`(${where}) and Region = X`);
  });
});

describe("facets", () => {
  it("choose values and give them up", () => {
    let c = choose(and({ attribute: "Title", operator: ":", values: ["x"] }), "SeverityLabel", ["HIGH"]);
    c = choose(c, "SeverityLabel", [...chosen(c, "SeverityLabel"), "CRITICAL"]);
    expect(toWhere(c)).toBe('Title contains "x" and SeverityLabel in (HIGH, CRITICAL)');
    expect(toWhere(choose(c, "SeverityLabel", []))).toBe('Title contains "x"');
  });

  it("narrow alternatives as a whole", () => {
    const c = fromWhere("Region = A or Region = B");
    expect(chosen(c, "Region")).toEqual([]);
    expect(toWhere(choose(c, "Region", ["C"]))).toBe("(Region = A or Region = B) and Region = C");
  });
});

describe("the API's filters", () => {
  it.each([
    "SeverityLabel in (HIGH, CRITICAL) and RecordState = ACTIVE",
    'ResourceTags["env"] = "prod"',
    "Confidence >= 50 and Confidence <= 90",
    "UpdatedAt within 7 days",
    'CreatedAt >= "2026-01-31T00:00:00Z" and CreatedAt < "2026-02-28T00:00:00Z"',
    'Title not startswith "a" and Title not startswith "b"',
    'NetworkSourceIpV4 in cidr "10.0.0.0/8"',
    'Sample = "true"',
    'Keyword contains "bucket"',
  ])("say and mean: %s", (where) => {
    const filters = toFilters(fromWhere(where));
    const back = fromFilters(filters);
    expect(back === undefined ? undefined : toWhere(back)).toBe(where);
  });

  it.each([
    ["Region = A or Title contains b", "no “or” between attributes"],
    ["Title contains a and Title contains b", "several tests of Title are alternatives"],
    ["UpdatedAt within 12 hours", "dates are counted in days"],
    ["Confidence != 5", "no such test of Confidence"],
    ["Title exists", "cannot say: Title exists"],
  ])("do not say: %s", (where, why) => {
    expect(() => toFilters(fromWhere(where))).toThrow(NotInFilters);
    expect(() => toFilters(fromWhere(where))).toThrow(why);
  });

  it("are not shown where the control has no such shape", () => {
    expect(fromFilters({ Title: [{ Value: "a", Comparison: "EQUALS" }, { Value: "b", Comparison: "PREFIX" }] })).toBeUndefined();
    expect(fromFilters({ Nothing: [{ Value: "a" }] })).toBeUndefined();
  });
});
