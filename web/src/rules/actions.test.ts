import { describe, expect, it } from "vitest";
import { actionsOf, changedFields, checkFields, fieldsOf, noFields } from "./actions";

const full = {
  ...noFields,
  severity: "CRITICAL",
  workflow: "SUPPRESSED",
  verification: "FALSE_POSITIVE",
  confidence: "0",
  criticality: "100",
  noteText: "known",
  noteBy: "team",
  types: ["TTPs/Discovery"],
  userFields: [{ key: "team", value: "web" }],
  related: [{ ProductArn: "arn:aws:securityhub:us-east-1::product/aws/guardduty", Id: "x" }],
};

describe("actionsOf", () => {
  it("names every field as the API does, and reads it back", () => {
    const actions = actionsOf(full);
    expect(actions).toEqual([
      {
        Type: "FINDING_FIELDS_UPDATE",
        FindingFieldsUpdate: {
          Severity: { Label: "CRITICAL" },
          Workflow: { Status: "SUPPRESSED" },
          VerificationState: "FALSE_POSITIVE",
          Confidence: 0,
          Criticality: 100,
          Note: { Text: "known", UpdatedBy: "team" },
          Types: ["TTPs/Discovery"],
          UserDefinedFields: { team: "web" },
          RelatedFindings: full.related,
        },
      },
    ]);
    expect(fieldsOf(actions)).toEqual(full);
  });

  it("leaves alone what is not set", () => {
    expect(changedFields({ ...noFields, workflow: "RESOLVED" })).toEqual(["Workflow"]);
  });

  it("keeps a severity's numbers until its label changes", () => {
    const kept = [{ FindingFieldsUpdate: { Severity: { Label: "HIGH" as const, Normalized: 71, Product: 8.1 } } }];
    expect(actionsOf(fieldsOf(kept), kept)[0]?.FindingFieldsUpdate?.Severity).toEqual({ Label: "HIGH", Normalized: 71, Product: 8.1 });
    expect(actionsOf({ ...fieldsOf(kept), severity: "LOW" }, kept)[0]?.FindingFieldsUpdate?.Severity).toEqual({ Label: "LOW" });
  });
});

describe("checkFields", () => {
  it("takes what is whole", () => {
    expect(checkFields(full)).toEqual({});
  });

  it("wants a change", () => {
    expect(checkFields(noFields).all).toContain("at least one field");
  });

  it.each([
    [{ confidence: "101" }, "confidence"],
    [{ criticality: "1.5" }, "criticality"],
    [{ criticality: "-1" }, "criticality"],
    [{ noteText: "x" }, "noteBy"],
    [{ noteBy: "x" }, "noteText"],
    [{ userFields: [{ key: " ", value: "" }] }, "userFields"],
    [{ userFields: [{ key: "a", value: "1" }, { key: "a", value: "2" }] }, "userFields"],
    [{ related: [{ ProductArn: "", Id: "x" }] }, "related"],
    [{ types: ["a/b/c/d"] }, "types"],
  ] as const)("tells what is wrong with %o", (fields, name) => {
    expect(Object.keys(checkFields({ ...noFields, ...(fields as object) }))).toEqual([name]);
  });
});
