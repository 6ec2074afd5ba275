import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { FakeHub, show } from "../testing/fake_hub";
import ProductsPage from "./page";

const prowler = "arn:aws:securityhub:us-east-1::product/prowler/prowler";
const guardduty = "arn:aws:securityhub:us-east-1::product/aws/guardduty";
const sends = ["SEND_FINDINGS_TO_SECURITY_HUB"];

function answers(subscriptions: string[]) {
  return {
    DescribeProducts: () => ({
      Products: [
        { ProductArn: prowler, ProductName: "Prowler", CompanyName: "Prowler", IntegrationTypes: sends },
        { ProductArn: guardduty, ProductName: "GuardDuty", CompanyName: "Amazon", IntegrationTypes: sends },
      ],
    }),
    ListEnabledProductsForImport: () => ({ ProductSubscriptions: subscriptions }),
    "POST groups": (ask: Record<string, unknown>) => ({ Count: 3, Groups: [{ Attribute: "ProductArn", Values: [{ Value: prowler, Count: ask["Where"] === "all" ? 3 : 1 }], More: false, Missing: 0 }] }),
    "POST findings/search": () => ({ Findings: [{ UpdatedAt: "2026-01-02T03:04:05Z" }] }),
  };
}

const row = async (name: string) => (await screen.findAllByText(name)).map((e) => e.closest("tr")).find((r) => r !== null) as HTMLElement;

describe("ProductsPage", () => {
  it("leads to a product's findings, and tells when the last one was seen", async () => {
    show(<ProductsPage />, new FakeHub(answers([])));
    const r = await row("Prowler");
    expect(within(r).getByRole("link", { name: "3 findings of Prowler" })).toHaveAttribute("href", `/console/findings?${new URLSearchParams({ where: `ProductArn = "${prowler}"` })}`);
    expect(await within(r).findByTitle("2026-01-02T03:04:05.000Z")).toBeVisible();
    expect(within(await row("GuardDuty")).getAllByText("0")).toHaveLength(2);
  });

  it("enables a product", async () => {
    const subscriptions: string[] = [];
    const hub = new FakeHub({
      ...answers(subscriptions),
      EnableImportFindingsForProduct: () => subscriptions.push("arn:aws:securityhub:us-east-1:111122223333:product-subscription/aws/guardduty"),
    });
    show(<ProductsPage />, hub);
    await userEvent.click(await screen.findByRole("button", { name: "Enable GuardDuty" }));
    expect(await screen.findByRole("button", { name: "Disable GuardDuty" })).toBeVisible();
    expect(hub.asks("EnableImportFindingsForProduct")).toEqual([{ ProductArn: guardduty }]);
  });

  it("asks before it disables one, and stays open when that fails", async () => {
    const arn = "arn:aws:securityhub:us-east-1:111122223333:product-subscription/prowler/prowler";
    const hub = new FakeHub({
      ...answers([arn]),
      DisableImportFindingsForProduct: () => {
        throw new Problem("No.", "AccessDeniedException", 403);
      },
    });
    show(<ProductsPage />, hub);
    await userEvent.click(await screen.findByRole("button", { name: "Disable Prowler" }));
    const dialog = await screen.findByRole("dialog");
    expect(hub.asks("DisableImportFindingsForProduct")).toEqual([]);
    await userEvent.click(within(dialog).getByRole("button", { name: "Disable" }));
    expect(await within(dialog).findByText(/Sign in with another key/)).toBeVisible();
    expect(hub.asks("DisableImportFindingsForProduct")).toEqual([{ ProductSubscriptionArn: arn }]);
  });

  it("shows what it has when a part cannot be had", async () => {
    const hub = new FakeHub({
      ...answers([]),
      "POST groups": () => {
        throw new Problem("The hub took too long to answer.", "Slow", 0);
      },
    });
    show(<ProductsPage />, hub);
    expect(await screen.findByText(/took too long/)).toBeVisible();
    expect(await row("GuardDuty")).toBeVisible();
  });
});
