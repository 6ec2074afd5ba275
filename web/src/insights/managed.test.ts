import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { isManaged, managedInsights } from "./managed";

describe("managedInsights", () => {
  it("are those that the hub has", () => {
    const table = readFileSync(resolve(import.meta.dirname, "../../../internal/hub/insights.tsv"), "utf8");
    const numbers = table
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.split("\t")[0]);
    expect(managedInsights("us-east-1")).toEqual(numbers.map((n) => `arn:aws:securityhub:::insight/securityhub/default/${n}`));
  });

  it("are of the Region's partition", () => {
    expect(managedInsights("cn-north-1")[0]).toBe("arn:aws-cn:securityhub:::insight/securityhub/default/1");
    expect(managedInsights("us-gov-west-1")[0]).toBe("arn:aws-us-gov:securityhub:::insight/securityhub/default/1");
    expect(managedInsights("us-isob-east-1")[0]).toBe("arn:aws-iso-b:securityhub:::insight/securityhub/default/1");
  });

  it("are told from custom ones", () => {
    expect(managedInsights("eu-west-1").every(isManaged)).toBe(true);
    expect(isManaged("arn:aws:securityhub:eu-west-1:111122223333:insight/111122223333/custom/0")).toBe(false);
  });
});
