import { expect, it } from "vitest";
import { shorten } from "./results";

it("keeps the end of a long value, where ARNs differ", () => {
  const arn = "arn:aws:s3:::a-bucket-with-a-rather-long-name-that-goes-on-1";
  expect(shorten(arn)).toHaveLength(40);
  expect(shorten(arn)).toMatch(/^arn:aws:s3:.*…that-goes-on-1$|^arn:aws:s3.*that-goes-on-1$/);
  expect(shorten("short")).toBe("short");
});

it("cuts no character in two", () => {
  expect([...shorten("😀".repeat(60))]).toHaveLength(40);
});
