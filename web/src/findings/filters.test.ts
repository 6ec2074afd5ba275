import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { attributes, inWords } from "./attributes";
import { filtersOf, operatorsOf, tokenError, tokensOf } from "./filters";

it("attributes are those of the hub", () => {
  const source = readFileSync(resolve(import.meta.dirname, "../../../internal/asff/field.go"), "utf8");
  const theirs = [...source.matchAll(/\{"(\w+)", Kind(\w+), "/g)].map((m) => [m[1], m[2]?.toLowerCase()]);
  expect(theirs.length).toBe(104);
  expect(Object.entries(attributes)).toEqual(theirs);
});

it("names are words", () => {
  expect(inWords("ResourceAwsEc2InstanceImageId")).toBe("Resource AWS EC2 instance image ID");
  expect(inWords("SeverityLabel")).toBe("Severity label");
});

describe("filters", () => {
  const filters = {
    SeverityLabel: [{ Value: "HIGH", Comparison: "EQUALS" }, { Value: "CRITICAL", Comparison: "EQUALS" }],
    Title: [{ Value: "test", Comparison: "NOT_CONTAINS" }],
    GeneratorId: [{ Value: "a", Comparison: "PREFIX" }, { Value: "b", Comparison: "PREFIX_NOT_EQUALS" }],
    ResourceTags: [{ Key: "env", Value: "a=b", Comparison: "EQUALS" }],
    Confidence: [{ Gte: 50, Lte: 90 }],
    UpdatedAt: [{ DateRange: { Value: 7, Unit: "DAYS" } }],
    CreatedAt: [{ Start: "2026-01-01T00:00:00.000Z", End: "2026-02-01T00:00:00.000Z" }],
    NetworkSourceIpV4: [{ Cidr: "10.0.0.0/8" }],
    Sample: [{ Value: true }],
    Keyword: [{ Value: "bucket" }],
  };

  it("become conditions and come back the same", () => {
    const tokens = tokensOf(filters);
    expect(tokens).toContainEqual({ propertyKey: "ResourceTags", operator: "=", value: "env=a=b" });
    expect(tokens).toContainEqual({ propertyKey: "UpdatedAt", operator: "=", value: "last 7 days" });
    expect(tokens?.every((t) => tokenError(t) === undefined)).toBe(true);
    expect(filtersOf(tokens ?? [])).toEqual(filters);
  });

  it("that conditions cannot show are not shown", () => {
    expect(tokensOf({ Confidence: [{ Gte: 1, Lte: 2, Eq: 5 }] })).toBeUndefined();
    expect(tokensOf({ Title: [] })).toBeUndefined();
    expect(tokensOf({ Confidence: [{ Gt: 5 }] })).toBeUndefined();
    expect(tokensOf({ Nonsense: [{ Value: "x", Comparison: "EQUALS" }] })).toBeUndefined();
    expect(tokensOf({ Title: "x" })).toBeUndefined();
  });

  it.each([
    ["Confidence", ">=", "much"],
    ["Confidence", "=", ""],
    ["UpdatedAt", "=", "yesterday"],
    ["UpdatedAt", ">=", "31.1.2026"],
    ["ResourceTags", "=", "prod"],
    ["Sample", "=", "yes"],
    ["Nonsense", "=", "x"],
    ["Confidence", "^", "5"],
  ] as const)("%s %s %s is told to be wrong", (propertyKey, operator, value) => {
    expect(tokenError({ propertyKey, operator, value })).toMatch(propertyKey);
  });

  it("every attribute has a comparison", () => {
    for (const name of Object.keys(attributes)) {
      expect(operatorsOf(name).length, name).toBeGreaterThan(0);
    }
  });
});
