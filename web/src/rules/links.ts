import { root } from "../findings/link";

export const rulesHref = `${root}/rules`;

/** The address of the form for a rule. An ARN has slashes, so it goes as a parameter. */
export function editRuleHref(arn: string): string {
  return `${rulesHref}/edit?${new URLSearchParams({ arn })}`;
}
