import { describe, expect, it } from "vitest";
import { indent } from "./indent";

describe("indent", () => {
  it("lays out as JSON.stringify does", () => {
    const value = { a: [1, { b: [] }, {}, "x, y: {z}"], c: { d: null, e: true }, f: 'quote " and \\ and \n' };
    expect(indent(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
    expect(indent(JSON.stringify(value, null, 7))).toBe(JSON.stringify(value, null, 2));
  });

  it("changes no number and no name", () => {
    expect(indent('{"a":123456789012345678901,"a":1.10e400}')).toBe('{\n  "a": 123456789012345678901,\n  "a": 1.10e400\n}');
  });

  it("leaves alone what is no JSON", () => {
    for (const text of ["", "{", "<script>", '{"a": }', "undefined"]) {
      expect(indent(text)).toBe(text);
    }
  });

  it("takes what is large", () => {
    const value = Array.from({ length: 20_000 }, (_, i) => ({ i }));
    expect(indent(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
  });
});
