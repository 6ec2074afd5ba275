import type { Changes } from "../findings/changes";
import type { Finding } from "../findings/finding";

/** What the members that can be changed say now: where somebody begins to change one. */
export function currentOf(f: Finding): Changes {
  const c: Changes = {};
  const number = (n: number | undefined) => (n === undefined ? undefined : String(n));
  const put = <K extends keyof Changes>(name: K, value: Changes[K] | undefined) => {
    if (value !== undefined) {
      c[name] = value;
    }
  };
  put("workflow", f.Workflow?.Status);
  put("note", f.Note?.Text);
  put("severity", f.Severity?.Label);
  put("product", number(f.Severity?.Product));
  put("verification", f.VerificationState);
  put("confidence", number(f.Confidence));
  put("criticality", number(f.Criticality));
  put("types", f.Types?.join("\n"));
  put("related", f.RelatedFindings?.map((r) => `${r.ProductArn ?? ""} ${r.Id ?? ""}`).join("\n"));
  put("fields", f.UserDefinedFields && Object.entries(f.UserDefinedFields).map(([key, value]) => ({ key, value })));
  return c;
}
