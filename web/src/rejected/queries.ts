/** One rule that a finding breaks. */
export interface Violation {
  /** Where in the finding, as Resources[0].Id. */
  Path: string;
  /** The same as a JSON pointer. */
  Pointer: string;
  Rule: string;
  Message: string;
  /** The offending value, as JSON, perhaps shortened. */
  Value: string;
  /** How to mend it. */
  Remedy: string;
}

/** A finding that the hub did not take. */
export interface RejectedFinding {
  At: string;
  ProductArn: string;
  /** As the finding says; "" where it says none. */
  AccountId: string;
  Region: string;
  SentBy: string;
  Id: string;
  GeneratorId?: string;
  Title?: string;
  ErrorCode: string;
  ErrorMessage: string;
  Violations: Violation[];
  /** The finding as sent; absent when it was too large to keep. */
  Finding?: string;
  /** The same, mended as far as that can be done without knowing more. */
  Mended?: string;
  Mends?: { Path: string; Message: string }[];
  /** What is still wrong with Mended; absent where nothing is. */
  Remaining?: Violation[];
  /** What to do about a refusal that is no violation, as one of access. */
  Remedy?: string;
}

export interface Rejected {
  Since: string;
  Rejected: RejectedFinding[];
  /** Whether there are more than were asked for. */
  More?: boolean;
  /** How many older ones are kept no more. */
  Dropped: number;
}

/** What a producer would do well to change. */
export interface Hint {
  Code: string;
  Count: number;
  Message: string;
  Remedy: string;
  Path?: string;
  Limit?: string;
}

/** One product's findings for one account, since the hub started. */
export interface Producer {
  ProductArn: string;
  ProductName?: string;
  AccountId: string;
  Region: string;
  /** Who sent them; another than AccountId where one account sends for others. */
  SenderAccountId?: string;
  FirstSeenAt: string;
  LastSeenAt: string;
  Requests: number;
  Created: number;
  Updated: number;
  Stale: number;
  Rejected: number;
  LargestBytes: number;
  Hints: Hint[];
}

export interface Producers {
  Since: string;
  Producers: Producer[];
}

/** Each producer's name in the page's choice of one: no product ARN holds a space. */
export function producerKey(p: { ProductArn: string; AccountId: string }): string {
  return `${p.AccountId} ${p.ProductArn}`;
}

/** company/product of a product's ARN, else the text as it is. */
export function productOf(arn: string): string {
  return /^arn:[^:]*:securityhub:[^:]*:[^:]*:product\/(.+)$/.exec(arn)?.[1] ?? arn;
}
