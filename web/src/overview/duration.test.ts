import { expect, it } from "vitest";
import { duration } from "./duration";

it.each([
  [0, "0 seconds"],
  [1, "1 second"],
  [59.4, "59 seconds"],
  [60, "1 minute"],
  [5400, "1.5 hours"],
  [86_400, "1 day"],
  [168_021, "1.9 days"],
  [86_400 * 12.4, "12 days"],
  [86_400 * 1234, "1,234 days"],
])("%d seconds are %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
