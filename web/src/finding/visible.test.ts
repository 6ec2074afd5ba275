import { expect, it } from "vitest";
import { visibleJSON } from "./visible";

it.each(["plain", "a\u202eb", "\u200d\ufeff", "\u{e0001}tag\u{10ffff}", "\u2028"])("shows what hides in %j, and means the same", (text) => {
  const shown = visibleJSON(JSON.stringify({ [text]: text }));
  expect(shown).toMatch(/^[\x20-\x7e]*$/);
  expect(JSON.parse(shown)).toEqual({ [text]: text });
});

it("leaves digits, letters and layout", () => {
  const text = '{\n\t"ä": 9007199254740993.10\r\n}';
  expect(visibleJSON(text)).toBe(text);
});
