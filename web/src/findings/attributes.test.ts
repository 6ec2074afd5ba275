import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { attributes, inWords } from "./attributes";

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
