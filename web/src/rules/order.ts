/** The bounds of RuleOrder. */
export const lowestOrder = 1;
export const highestOrder = 1000;

export interface OrderedRule {
  RuleArn: string;
  RuleOrder: number;
}

/**
 * The edits that bring rules into a sequence, as few as a walk over the neighbours finds. Rules act by RuleOrder, and among equal ones
 * the one that was edited last acts last: so a rule that was moved behind another may take its number as long as the next has a higher
 * one. Edits are told in the order in which they must be made. `sequence` is the wished order, `moved` the place in it of the rule that
 * was moved.
 */
export function reorder(sequence: readonly OrderedRule[], moved: number): OrderedRule[] {
  const rule = sequence[moved];
  if (rule === undefined) {
    return [];
  }
  const before = sequence[moved - 1]?.RuleOrder ?? lowestOrder - 1;
  const after = sequence[moved + 1]?.RuleOrder ?? highestOrder + 1;
  if (before + 1 < after) {
    const order = before + 1;
    return order === rule.RuleOrder && isBetween(sequence, moved) ? [] : [{ RuleArn: rule.RuleArn, RuleOrder: order }];
  }
  return spread(sequence, moved);
}

function isBetween(sequence: readonly OrderedRule[], at: number): boolean {
  const own = sequence[at]?.RuleOrder ?? 0;
  return (sequence[at - 1]?.RuleOrder ?? 0) < own && own < (sequence[at + 1]?.RuleOrder ?? highestOrder + 1);
}

/** No number is free where the rule was put: those behind it move up as far as they must, and where there is no room those before move down. */
function spread(sequence: readonly OrderedRule[], moved: number): OrderedRule[] {
  const wanted = sequence.map((r) => r.RuleOrder);
  wanted[moved] = Math.max(lowestOrder, (wanted[moved - 1] ?? lowestOrder - 1) + 1);
  for (let i = moved + 1; i < wanted.length && (wanted[i] ?? 0) <= (wanted[i - 1] ?? 0); i++) {
    wanted[i] = (wanted[i - 1] ?? 0) + 1;
  }
  let bound = highestOrder;
  for (let i = wanted.length - 1; i >= 0 && (wanted[i] ?? 0) > bound; i--, bound--) {
    wanted[i] = bound;
  }
  const edits: OrderedRule[] = [];
  sequence.forEach((r, i) => {
    const order = wanted[i] ?? r.RuleOrder;
    if (order !== r.RuleOrder) {
      edits.push({ RuleArn: r.RuleArn, RuleOrder: order });
    }
  });
  return edits;
}

/** Moves an item of a list to another place. */
export function move<T>(list: readonly T[], from: number, to: number): T[] {
  const out = [...list];
  const [item] = out.splice(from, 1);
  if (item !== undefined) {
    out.splice(to, 0, item);
  }
  return out;
}

/** A number for a new rule, behind all others. */
export function nextOrder(rules: readonly { RuleOrder?: number | undefined }[]): number {
  return Math.min(highestOrder, rules.reduce((most, r) => Math.max(most, r.RuleOrder ?? 0), 0) + 1);
}
