import { describe, expect, it } from "vitest";
import { remember, remembered } from "./session";

function store(begin?: string) {
  let kept = begin ?? null;
  return {
    getItem: () => kept,
    setItem: (_: string, v: string) => {
      kept = v;
    },
  };
}

describe("remembered", () => {
  it("reads what was remembered", () => {
    const s = store();
    const what = { key: { id: "AK", secret: "s" }, region: "eu-west-1", only: "111122223333" };
    remember(what, s);
    expect(remembered(s)).toEqual(what);
  });

  it.each([undefined, "", "{", "null", "5", '{"key":{"id":5}}', '{"region":{}}'])("begins anew with %j", (text) => {
    expect(remembered(store(text))).toEqual({ key: undefined, region: undefined, only: undefined });
  });

  it("works where nothing is kept", () => {
    const forbidden = () => {
      throw new DOMException("denied", "SecurityError");
    };
    expect(() => remember({ key: undefined, region: "x", only: undefined }, { setItem: forbidden })).not.toThrow();
    expect(remembered({ getItem: forbidden }).region).toBeUndefined();
  });
});
