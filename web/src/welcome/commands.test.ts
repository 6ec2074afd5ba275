import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { commands, demoCommand, firstFinding, type Sender } from "./commands";

const at = new Date("2026-02-03T04:05:06.007Z");
const open: Sender = { origin: "http://127.0.0.1:4510", account: "111122223333", region: "us-east-1", keyId: "111122223333", checked: false };
const checked: Sender = { origin: "https://hub.example", account: "444455556666", region: "cn-north-1", keyId: "AKIDEXAMPLE", checked: true };

describe("commands", () => {
  it("name this hub, the account, the Region and the key", () => {
    for (const s of [open, checked]) {
      for (const c of commands(s, at)) {
        expect(c.text, c.id).toContain(s.origin);
        if (c.id !== "prowler") {
          expect(c.text, c.id).toContain(s.region);
        }
      }
    }
    expect(commands(checked, at).find((c) => c.id === "cli")?.text).toContain("AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=YOUR_SECRET");
    expect(demoCommand(open)).toBe("hubcap demo --endpoint http://127.0.0.1:4510");
  });

  it("are whole for the shell", () => {
    for (const c of [...commands(open, at), ...commands(checked, at)].filter((c) => c.id !== "boto3")) {
      expect(() => execFileSync("bash", ["-n"], { input: c.text }), c.id).not.toThrow();
    }
  });

  it("carry a finding of the account and Region", () => {
    const [finding] = JSON.parse(firstFinding(checked, at)) as Record<string, unknown>[];
    expect(finding).toMatchObject({
      AwsAccountId: "444455556666",
      ProductArn: "arn:aws-cn:securityhub:cn-north-1:444455556666:product/444455556666/default",
      CreatedAt: "2026-02-03T04:05:06.007Z",
    });
  });
});
