import { type Filters, fromFilters, toWhere } from "../findings/filter";
import { withTest } from "../findings/filter/condition";
import { findingsHref, root } from "../findings/link";

export const insightsHref = `${root}/insights`;

/** The address of an insight's page. An ARN has slashes, so it goes as a parameter. */
export function insightHref(arn: string): string {
  return `${insightsHref}/one?${new URLSearchParams({ arn })}`;
}

export function editInsightHref(arn: string): string {
  return `${insightsHref}/edit?${new URLSearchParams({ arn })}`;
}

/** The address of the findings that an insight counts under a value; undefined where its filters say what no condition can. */
export function resultHref(filters: object | undefined, attribute: string, value: string): string | undefined {
  const condition = fromFilters(filters as Filters | undefined);
  return condition && findingsHref(toWhere(withTest(condition, { attribute, operator: "=", values: [value] })));
}
