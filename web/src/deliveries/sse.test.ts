import { describe, expect, it } from "vitest";
import { MessageReader } from "./sse";

const text = 'retry: 1000\n\nid: AQ\ndata: {"a":"\u00e4\u20ac"}\n\n:\n\nid: Ag\ndata: one\ndata: two\n\nid: Aw\ndata: unfinished';

describe("MessageReader", () => {
  it("reads the same however the stream was cut", () => {
    const bytes = new TextEncoder().encode(text);
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new MessageReader();
      const got = [];
      for (let at = 0; at < bytes.length; at += size) {
        got.push(...reader.read(bytes.slice(at, at + size)));
      }
      expect(got, `pieces of ${size}`).toEqual([
        { id: "AQ", data: '{"a":"\u00e4\u20ac"}' },
        { id: "Ag", data: "one\ntwo" },
      ]);
    }
  });
});
