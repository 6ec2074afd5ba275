import { describe, expect, it } from "vitest";
import { differences } from "./diff";

describe("differences", () => {
  it.each([
    ["text", "NEW", "NOTIFIED", [{ path: "", before: "NEW", after: "NOTIFIED" }]],
    ["a value that was not there", undefined, "a note", [{ path: "", before: undefined, after: "a note" }]],
    ["a value that is gone", "a note", undefined, [{ path: "", before: "a note", after: undefined }]],
    ["maps", '{"env":"dev","team":"a"}', '{"env":"prod","team":"a","x":"1"}', [
      { path: "env", before: "dev", after: "prod" },
      { path: "x", before: undefined, after: "1" },
    ]],
    ["lists of text", '["a","b"]', '["b","c"]', [
      { path: "", before: "a", after: undefined },
      { path: "", before: undefined, after: "c" },
    ]],
    ["a member of one of several", '[{"Id":"r1","Tags":{"a":"1"}},{"Id":"r2"}]', '[{"Id":"r1","Tags":{"a":"2"}},{"Id":"r2"}]', [{ path: "[1].Tags.a", before: "1", after: "2" }]],
    ["an order", '["a","b"]', '["b","a"]', [{ path: "", before: '["a","b"]', after: '["b","a"]' }]],
    ["entries that stand twice", '["a","a","b"]', '["a","b"]', [{ path: "", before: "a", after: undefined }]],
    ["numbers beyond what JavaScript counts", "9007199254740993", "9007199254740992", [{ path: "", before: "9007199254740993", after: "9007199254740992" }]],
    ["text that only begins as JSON", "{broken", "[broken", [{ path: "", before: "{broken", after: "[broken" }]],
    ["JSON that differs where JavaScript sees none", '{"a":9007199254740993}', '{"a":9007199254740992}', [
      { path: "", before: '{"a":9007199254740993}', after: '{"a":9007199254740992}' },
    ]],
    ["a name that objects have anyway", "{}", '{"__proto__":"x","constructor":"y"}', [
      { path: "__proto__", before: undefined, after: "x" },
      { path: "constructor", before: undefined, after: "y" },
    ]],
    ["a map that was not there", undefined, '{"ticket":"1","of":{"a":"b"}}', [
      { path: "ticket", before: undefined, after: "1" },
      { path: "of.a", before: undefined, after: "b" },
    ]],
    ["a list that is gone", '["a"]', undefined, [{ path: "", before: "a", after: undefined }]],
    ["an empty map that was not there", undefined, "{}", [{ path: "", before: undefined, after: "{}" }]],
    ["nothing", '["a"]', '["a"]', []],
  ])("%s", (_, before, after, want) => {
    expect(differences(before, after)).toEqual(want);
  });
});
