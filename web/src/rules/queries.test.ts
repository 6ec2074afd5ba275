import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { criteriaAttributes } from "./queries";

it("criteria speak of the attributes that the hub takes", () => {
  const source = readFileSync(resolve(import.meta.dirname, "../../../internal/rule/criteria.go"), "utf8");
  const table = source.slice(source.indexOf("var attributes ="), source.indexOf("const ("));
  const taken = [...table.matchAll(/asff\.Field(\w+):/g)].map((m) => m[1]);
  expect(taken.length).toBe(38);
  expect([...criteriaAttributes].sort()).toEqual(taken.sort());
});
