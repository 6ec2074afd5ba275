import { expect, it } from "vitest";
import { all, equals, onDay } from "./conditions";

it("a day ends where the next begins", () => {
  expect(onDay("CreatedAt", "2026-02-28")).toBe("CreatedAt within [2026-02-28, 2026-03-01)");
  expect(onDay("CreatedAt", "2026-12-31")).toBe("CreatedAt within [2026-12-31, 2027-01-01)");
});

it("a value stays a value", () => {
  expect(equals("ResourceId", 'a" or Title exists or "')).toBe('ResourceId = "a\\" or Title exists or \\""');
});

it("joins what is there", () => {
  expect(all("", "A = b", "C = d")).toBe("A = b and C = d");
});
