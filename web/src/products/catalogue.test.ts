import { describe, expect, it } from "vitest";
import { ofProduct, productId, productRows } from "./catalogue";

const guardduty = "arn:aws:securityhub:us-east-1::product/aws/guardduty";

describe("productRows", () => {
  const rows = productRows(
    [
      { ProductArn: guardduty, ProductName: "GuardDuty", CompanyName: "Amazon", IntegrationTypes: ["SEND_FINDINGS_TO_SECURITY_HUB"] },
      { ProductArn: "arn:aws:securityhub:us-east-1::product/amazon/detective", ProductName: "Detective", IntegrationTypes: ["RECEIVE_FINDINGS_FROM_SECURITY_HUB"] },
    ],
    ["arn:aws:securityhub:us-east-1:111122223333:product-subscription/aws/guardduty"],
    [
      { Value: guardduty, Count: 5 },
      { Value: "arn:aws:securityhub:eu-west-1::product/aws/guardduty", Count: 2 },
      { Value: "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default", Count: 9 },
    ],
    [{ Value: guardduty, Count: 1 }],
  );

  it("has the most findings first, and products that only findings tell of", () => {
    expect(rows.map((r) => [r.id, r.findings, r.recent, r.known, r.subscription !== undefined])).toEqual([
      ["111122223333/default", 9, 0, false, false],
      ["aws/guardduty", 7, 1, true, true],
      ["amazon/detective", 0, 0, true, false],
    ]);
  });

  it("asks for a product's findings in every Region", () => {
    const row = rows.find((r) => r.id === "aws/guardduty");
    expect(row && ofProduct(row)).toBe(`ProductArn in ("${guardduty}", "arn:aws:securityhub:eu-west-1::product/aws/guardduty")`);
  });
});

it("productId takes ARNs alone", () => {
  expect(productId(guardduty)).toBe("aws/guardduty");
  expect(productId("arn:aws:securityhub:us-east-1:1:product-subscription/a/b")).toBe("a/b");
  expect(productId("<b>")).toBeUndefined();
  expect(productId("arn:aws:securityhub:us-east-1::product/a")).toBeUndefined();
});
