import { describe, expect, it } from "vitest";
import { movement } from "./list";
import { move } from "./order";

describe("movement", () => {
  it("finds what was moved", () => {
    const list = ["a", "b", "c", "d", "e"].map((RuleArn) => ({ RuleArn }));
    for (let from = 0; from < list.length; from++) {
      for (let to = 0; to < list.length; to++) {
        const after = move(list, from, to);
        const found = movement(list, after);
        if (from === to) {
          expect(found).toBeUndefined();
        } else {
          expect(found && move(list, found.from, found.to)).toEqual(after);
        }
      }
    }
  });
});
