import type { Product } from "@aws-sdk/client-securityhub";
import { quote } from "../findings/where";
import type { ValueCount } from "../overview/queries";

/** A product as the page shows it: of the catalogue, or one that findings came from. */
export interface ProductRow {
  /** company/product, its name within every Region. */
  id: string;
  /** In the Region that is looked at. */
  arn: string;
  name: string;
  company: string;
  description: string;
  categories: string[];
  sends: boolean;
  receives: boolean;
  /** Whether the catalogue has it: only then it can be enabled. */
  known: boolean;
  /** The subscription's ARN where there is one. */
  subscription: string | undefined;
  /** The product ARNs with findings: one a Region where Regions are aggregated. */
  arns: string[];
  findings: number;
  /** Of these, created within the last 7 days. */
  recent: number;
}

/** company/product of a product's or a subscription's ARN; undefined for what is neither. */
export function productId(arn: string): string | undefined {
  return /^arn:[^:]*:securityhub:[^:]*:[^:]*:product(?:-subscription)?\/([^/]+\/[^/]+)$/.exec(arn)?.[1];
}

/** Joins the catalogue with what is subscribed to and with what findings there are. */
export function productRows(
  catalogue: readonly Product[],
  subscriptions: readonly string[],
  counts: readonly ValueCount[],
  recent: readonly ValueCount[],
): ProductRow[] {
  const rows = new Map<string, ProductRow>();
  for (const p of catalogue) {
    const arn = p.ProductArn ?? "";
    const id = productId(arn) ?? arn;
    rows.set(id, {
      ...blank(id, arn),
      name: p.ProductName ?? id,
      company: p.CompanyName ?? "",
      description: p.Description ?? "",
      categories: p.Categories ?? [],
      sends: (p.IntegrationTypes ?? []).includes("SEND_FINDINGS_TO_SECURITY_HUB"),
      receives: (p.IntegrationTypes ?? []).some((t) => t !== "SEND_FINDINGS_TO_SECURITY_HUB"),
      known: true,
    });
  }
  for (const arn of subscriptions) {
    const row = rows.get(productId(arn) ?? "");
    if (row !== undefined) {
      row.subscription = arn;
    }
  }
  for (const { Value: arn, Count } of counts) {
    const id = productId(arn) ?? arn;
    const row = rows.get(id) ?? { ...blank(id, arn), name: id, sends: true };
    rows.set(id, row);
    row.arns.push(arn);
    row.findings += Count;
  }
  for (const { Value: arn, Count } of recent) {
    const row = rows.get(productId(arn) ?? arn);
    if (row !== undefined) {
      row.recent += Count;
    }
  }
  return [...rows.values()].sort((a, b) => b.findings - a.findings || a.name.localeCompare(b.name, "en"));
}

function blank(id: string, arn: string): ProductRow {
  return {
    id, arn, name: id, company: "", description: "", categories: [], sends: false, receives: false, known: false,
    subscription: undefined, arns: [], findings: 0, recent: 0,
  };
}

/** The condition of a product's findings. */
export function ofProduct(row: Pick<ProductRow, "arn" | "arns">): string {
  const [first = row.arn, ...more] = row.arns;
  return more.length === 0 ? `ProductArn = ${quote(first)}` : `ProductArn in (${[first, ...more].map(quote).join(", ")})`;
}
