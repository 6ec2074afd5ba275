/** Where the console is served: addresses of its pages begin so. */
export const root = "/console";

/** The address of the Findings page for a condition in the printed form. */
export function findingsHref(where: string): string {
  return where === "" ? `${root}/findings` : `${root}/findings?${new URLSearchParams({ where })}`;
}

/** What names a finding: with account and Region one alone, else perhaps several of one name. */
export interface FindingName {
  Id: string | undefined;
  ProductArn: string | undefined;
  AwsAccountId?: string | undefined;
  Region?: string | undefined;
}

/** The address of a finding's page. */
export function findingHref(f: FindingName): string {
  const search = new URLSearchParams({ product: f.ProductArn ?? "", id: f.Id ?? "" });
  if (f.AwsAccountId !== undefined) {
    search.set("account", f.AwsAccountId);
  }
  if (f.Region !== undefined) {
    search.set("region", f.Region);
  }
  return `${root}/finding?${search}`;
}
