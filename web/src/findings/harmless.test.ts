import { expect, it } from "vitest";
import { harmless, webAddress } from "./harmless";

it.each([
  ["plain <b>text</b> & ☂ 你好 é", "plain <b>text</b> & ☂ 你好 é"],
  ["a\u202egnp.exe", "a\\u202egnp.exe"],
  ["a\u0000b\u001b[31mc", "a\\u0000b\\u001b[31mc"],
  ["line\nline\ttab", "line\nline\ttab"],
  ["zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"],
  ["half \ud800", "half \ufffd"],
  ["👩\u200d💻", "👩\u200d💻"],
])("%j is shown as %j", (text, shown) => {
  expect(harmless(text)).toBe(shown);
});

it.each([
  ["https://example.com/a?b=c#d", "https://example.com/a?b=c#d"],
  ["http://example.com", "http://example.com/"],
  ["javascript:alert(1)", undefined],
  [" java\nscript:alert(1)", undefined],
  ["data:text/html,<script>alert(1)</script>", undefined],
  ["//example.com/a", undefined],
  ["ftp://example.com", undefined],
  ["https://user:password@example.com/", undefined],
  ["not an address", undefined],
  [undefined, undefined],
])("%j leads to %j", (text, href) => {
  expect(webAddress(text)).toBe(href);
});
