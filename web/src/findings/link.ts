/** Where the console is served: addresses of its pages begin so. */
export const root = "/console";

/** The address of the Findings page for a condition in the printed form. */
export function findingsHref(where: string): string {
  return where === "" ? `${root}/findings` : `${root}/findings?${new URLSearchParams({ where })}`;
}

/** The address of a finding's page. */
export function findingHref(id: { Id: string; ProductArn: string }): string {
  return `${root}/finding?${new URLSearchParams({ product: id.ProductArn, id: id.Id })}`;
}
