import { expect, it } from "vitest";
import { readEvent } from "./event";

it("reads an import", () => {
  const text = JSON.stringify({
    "detail-type": "Security Hub Findings - Imported",
    time: "2026-01-02T03:04:05Z",
    account: "111122223333",
    region: "us-east-1",
    detail: { findings: [{ Title: "<img src=x>", Severity: { Label: "HIGH" } }] },
  });
  expect(readEvent("AQ", text)).toEqual({
    id: "AQ",
    time: "2026-01-02T03:04:05Z",
    type: "Security Hub Findings - Imported",
    account: "111122223333",
    region: "us-east-1",
    title: "<img src=x>",
    severity: "HIGH",
    text,
  });
});

it.each(["", "null", "[]", '{"detail":{"findings":[null]}}', '{"detail":{"findings":{"0":1}},"time":5}'])("takes %j", (text) => {
  expect(readEvent("x", text)).toMatchObject({ id: "x", time: "", title: "", severity: "", text });
});
