import { describe, expect, it } from "vitest";
import { type Changes, isEmpty, parametersOf, problemsOf } from "./changes";

describe("problemsOf", () => {
  it.each<[Changes, keyof Changes | undefined]>([
    [{}, undefined],
    [{ confidence: "0" }, undefined],
    [{ criticality: "100" }, undefined],
    [{ confidence: "101" }, "confidence"],
    [{ criticality: "-1" }, "criticality"],
    [{ criticality: "5.5" }, "criticality"],
    [{ confidence: "" }, "confidence"],
    [{ note: "" }, "note"],
    [{ note: "x".repeat(512) }, undefined],
    [{ note: "\u{1f512}".repeat(512) }, undefined],
    [{ note: "\u{1f512}".repeat(513) }, "note"],
    [{ fields: [] }, undefined],
    [{ fields: [{ key: "team-1 a/b", value: "" }] }, undefined],
    [{ fields: [{ key: "", value: "x" }] }, "fields"],
    [{ fields: [{ key: "a*", value: "x" }] }, "fields"],
    [{ fields: [{ key: "a", value: "x" }, { key: "a", value: "y" }] }, "fields"],
    [{ fields: [{ key: "a", value: "\u{1f512}".repeat(1024) }] }, undefined],
    [{ fields: [{ key: "a", value: "x".repeat(1025) }] }, "fields"],
    [{ fields: Array.from({ length: 51 }, (_, i) => ({ key: `k${i}`, value: "" })) }, "fields"],
    [{ types: "a\n".repeat(50) }, undefined],
    [{ types: "a\n".repeat(51) }, "types"],
  ])("%#", (changes, wrong) => {
    expect(Object.keys(problemsOf(changes))).toEqual(wrong === undefined ? [] : [wrong]);
  });
});

it("parametersOf says what was ticked, and nothing else", () => {
  expect(parametersOf({}, "me")).toEqual({});
  expect(isEmpty({})).toBe(true);
  expect(
    parametersOf(
      {
        workflow: "SUPPRESSED",
        note: "known",
        severity: "LOW",
        verification: "BENIGN_POSITIVE",
        confidence: "7",
        criticality: "0",
        types: " TTPs/Discovery \n\nEffects",
        fields: [{ key: "team", value: "web" }],
      },
      "arn:me",
    ),
  ).toEqual({
    Workflow: { Status: "SUPPRESSED" },
    Note: { Text: "known", UpdatedBy: "arn:me" },
    Severity: { Label: "LOW" },
    VerificationState: "BENIGN_POSITIVE",
    Confidence: 7,
    Criticality: 0,
    Types: ["TTPs/Discovery", "Effects"],
    UserDefinedFields: { team: "web" },
  });
  expect(isEmpty({ fields: [] })).toBe(false); // it takes away those that there are
});
