import { describe, expect, it } from "vitest";
import { highestOrder, move, nextOrder, type OrderedRule, reorder } from "./order";

const rules = (...orders: number[]): OrderedRule[] => orders.map((o, i) => ({ RuleArn: String.fromCharCode(97 + i), RuleOrder: o }));

/** What a hub lists after edits: by number, and among equals the one edited last stands last. */
function listed(before: readonly OrderedRule[], edits: readonly OrderedRule[]): string {
  const seen = before.map((r, i) => ({ ...r, edition: i }));
  edits.forEach((e, i) => {
    const r = seen.find((s) => s.RuleArn === e.RuleArn);
    if (r !== undefined) {
      r.RuleOrder = e.RuleOrder;
      r.edition = before.length + i;
    }
  });
  return seen
    .sort((x, y) => x.RuleOrder - y.RuleOrder || x.edition - y.edition)
    .map((r) => r.RuleArn)
    .join("");
}

describe("reorder", () => {
  const cases: [string, number[], number, number][] = [
    ["into a gap", [1, 10, 20, 30], 3, 1],
    ["to the front", [5, 10, 20], 2, 0],
    ["to the front where 1 is taken", [1, 2, 3], 2, 0],
    ["to the end", [1, 2, 3], 0, 2],
    ["to the end where 1000 is taken", [998, 999, highestOrder], 0, 2],
    ["between neighbours", [1, 2, 3, 4], 3, 1],
    ["among equals", [1, 1, 1, 1], 3, 1],
    ["among equals, to the front", [1, 1, 1], 2, 0],
    ["among equals at the end", [highestOrder, highestOrder, highestOrder], 0, 2],
  ];
  for (const [name, orders, from, to] of cases) {
    it(name, () => {
      const before = rules(...orders);
      const wanted = move(before, from, to);
      const edits = reorder(wanted, to);
      expect(listed(before, edits)).toBe(wanted.map((r) => r.RuleArn).join(""));
      for (const e of edits) {
        expect(e.RuleOrder).toBeGreaterThanOrEqual(1);
        expect(e.RuleOrder).toBeLessThanOrEqual(highestOrder);
      }
    });
  }

  it("edits the one rule where there is a gap", () => {
    expect(reorder(move(rules(1, 10, 20, 30), 3, 1), 1)).toEqual([{ RuleArn: "d", RuleOrder: 2 }]);
  });

  it("holds for every move of every short list", () => {
    for (let seed = 0; seed < 6 ** 4; seed++) {
      const values = [1, 2, 3, 4, 999, 1000];
      const orders = [0, 1, 2, 3].map((i) => values[Math.floor(seed / 6 ** i) % 6] ?? 1).sort((a, b) => a - b);
      const before = rules(...orders);
      for (let from = 0; from < 4; from++) {
        for (let to = 0; to < 4; to++) {
          if (from === to) {
            continue;
          }
          const wanted = move(before, from, to);
          const edits = reorder(wanted, to);
          expect(listed(before, edits), `${orders} ${from}->${to}`).toBe(wanted.map((r) => r.RuleArn).join(""));
        }
      }
    }
  });
});

describe("nextOrder", () => {
  it("stands behind all others", () => {
    expect(nextOrder([])).toBe(1);
    expect(nextOrder(rules(3, 7))).toBe(8);
    expect(nextOrder(rules(highestOrder))).toBe(highestOrder);
  });
});
