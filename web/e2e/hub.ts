// A hub for the tests of a file: the binary as it ships, in memory, on a port of its own.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const binary = process.env["HUBCAP_BIN"] ?? join(root, "bin/hubcap");

/** Findings that were published by others, where they lie beside the checkout. */
const realFindings = resolve(root, "../shared/data/asff");

/** What the program and its clients must not take from this machine. */
const environment = {
  PATH: process.env["PATH"] ?? "",
  HOME: tmpdir(),
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_EC2_METADATA_DISABLED: "true",
};

export class Hub {
  private constructor(
    readonly url: string,
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly key: { id: string; secret: string } | undefined,
  ) {}

  /** Starts a hub. config is its TOML; keys are checked where it has any. */
  static async start(config = "", key?: { id: string; secret: string }): Promise<Hub> {
    const folder = mkdtempSync(join(tmpdir(), "hubcap-browser-"));
    writeFileSync(join(folder, "hubcap.toml"), config.replaceAll("FOLDER", folder));
    const auth = key === undefined ? "none" : "sigv4";
    const child = spawn(binary, ["serve", "--addr", "127.0.0.1:0", "--store", "memory", "--min-free", "1", "--auth", auth, "--config", join(folder, "hubcap.toml")], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const url = await new Promise<string>((resolve, reject) => {
      let said = "";
      const hear = (text: Buffer) => {
        said += text.toString();
        const found = /^hubcap serves (\S+) /m.exec(said);
        if (found?.[1] !== undefined && said.includes("unset AWS_PROFILE")) {
          resolve(found[1]);
        }
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.on("exit", () => reject(new Error(`the hub ended: ${said}`)));
    });
    return new Hub(url, child, folder, key);
  }

  /** Runs a verb of the command line against the hub. */
  run(...args: string[]): string {
    const keys = this.key && { AWS_ACCESS_KEY_ID: this.key.id, AWS_SECRET_ACCESS_KEY: this.key.secret, AWS_REGION: "us-east-1" };
    return execFileSync(binary, args, { env: { ...environment, HUBCAP_ENDPOINT: this.url, ...keys }, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Imports findings, of which some may be refused: that is what they are for. Tells how many were read and taken. */
  import(findings: unknown[]): string {
    const file = join(this.folder, "findings.json");
    writeFileSync(file, JSON.stringify(findings));
    let said: string;
    try {
      said = this.run("import", file);
    } catch (e) {
      const failed = e as { status?: number; stdout?: string };
      if (failed.status !== 1) {
        throw e;
      }
      said = failed.stdout ?? "";
    }
    return /\d+ findings? read: \d+ imported/.exec(said)?.[0] ?? said;
  }

  /** Fills the hub: the demo, the real findings where there are any, and some that it refuses. */
  fill(demo: number): void {
    this.run("demo", "--findings", String(demo));
    if (existsSync(realFindings)) {
      const files = readdirSync(realFindings).filter((f) => f.endsWith(".json")).map((f) => join(realFindings, f));
      try {
        this.run("import", ...files);
      } catch {
        // some of them are refused
      }
    }
    this.import([finding({ Id: "refused", Severity: { Label: "high" }, Title: "", Resources: [{ Type: "Other", Id: 1 }] })]);
  }

  /** Sends one signed request, as anybody: for --auth none. */
  async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        "Content-Type": "application/json",
        Authorization: "AWS4-HMAC-SHA256 Credential=operator/20260101/us-east-1/securityhub/aws4_request, SignedHeaders=host, Signature=0",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) {
      throw new Error(`${method} ${path}: ${String(answer.status)} ${await answer.text()}`);
    }
    return answer.json();
  }

  /** Whether the findings of others lie there. */
  static hasRealFindings(): boolean {
    return existsSync(realFindings);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}

/** A valid finding of account 111122223333 in us-east-1, with members laid over it. */
export function finding(members: Record<string, unknown>): Record<string, unknown> {
  return {
    SchemaVersion: "2018-10-08",
    Id: "browser",
    ProductArn: "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default",
    GeneratorId: "browser-tests",
    AwsAccountId: "111122223333",
    CreatedAt: "2026-01-01T08:00:00Z",
    UpdatedAt: "2026-01-01T08:00:00Z",
    Title: "title",
    Description: "description",
    FindingProviderFields: { Severity: { Label: "LOW" }, Types: ["Software and Configuration Checks"] },
    Resources: [{ Type: "Other", Id: "arn:aws:example::thing" }],
    ...members,
  };
}
