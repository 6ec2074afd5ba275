import { partitionOf } from "../accounts/partition";

/** What the commands must know: where this hub is and who sends. */
export interface Sender {
  /** The hub's own address, as the browser sees it. */
  origin: string;
  account: string;
  region: string;
  /** The access key id to send with. */
  keyId: string;
  /** Whether the hub checks signatures: then the secret is the key's, and not anything. */
  checked: boolean;
}

export interface Command {
  id: string;
  label: string;
  /** A sentence on what it needs or does. */
  note: string;
  text: string;
}

/** The secret's place in a command. The console never writes a real one. */
function secret(s: Sender): string {
  return s.checked ? "YOUR_SECRET" : "any";
}

/** A first finding, as JSON: valid as it stands, at the time given. */
export function firstFinding(s: Sender, at: Date): string {
  const now = at.toISOString();
  return JSON.stringify(
    [
      {
        SchemaVersion: "2018-10-08",
        Id: "my-first-finding",
        ProductArn: productArn(s),
        GeneratorId: "my-first-check",
        AwsAccountId: s.account,
        Types: ["Software and Configuration Checks/AWS Security Best Practices"],
        CreatedAt: now,
        UpdatedAt: now,
        Severity: { Label: "HIGH" },
        Title: "Bucket invoices is readable by everyone",
        Description: "The bucket policy grants s3:GetObject to every principal.",
        Resources: [{ Type: "AwsS3Bucket", Id: "arn:aws:s3:::invoices" }],
      },
    ],
    null,
    2,
  );
}

function productArn(s: Sender): string {
  return `arn:${partitionOf(s.region)}:securityhub:${s.region}:${s.account}:product/${s.account}/default`;
}

function environment(s: Sender): string {
  return [
    `export AWS_ENDPOINT_URL_SECURITYHUB=${s.origin} AWS_DEFAULT_REGION=${s.region}`,
    `export AWS_ACCESS_KEY_ID=${s.keyId} AWS_SECRET_ACCESS_KEY=${secret(s)}`,
    "unset AWS_PROFILE AWS_SESSION_TOKEN",
  ].join("\n");
}

function writeFile(s: Sender, at: Date): string {
  return `cat > finding.json <<'EOF'\n${firstFinding(s, at)}\nEOF`;
}

/** Ways to send a first finding, each a command to paste into a shell. */
export function commands(s: Sender, at: Date): Command[] {
  return [
    {
      id: "cli",
      label: "AWS CLI",
      note: "Any AWS CLI of the last years. An older one takes --endpoint-url.",
      text: `${environment(s)}\n${writeFile(s, at)}\naws securityhub batch-import-findings --findings file://finding.json`,
    },
    {
      id: "boto3",
      label: "Python (boto3)",
      note: "Save it as first.py and run it with python3.",
      text: `import json

import boto3

hub = boto3.client(
    "securityhub",
    endpoint_url="${s.origin}",
    region_name="${s.region}",
    aws_access_key_id="${s.keyId}",
    aws_secret_access_key="${secret(s)}",
)
findings = json.loads("""
${firstFinding(s, at)}
""")
answer = hub.batch_import_findings(Findings=findings)
print(answer["SuccessCount"], answer["FailedFindings"])`,
    },
    {
      id: "prowler",
      label: "Prowler",
      note: "Prowler scans an AWS account with credentials of its own; hubcap sends what it found.",
      text: `prowler aws -M json-asff
${credentials(s)}hubcap import --endpoint ${s.origin} output/*.asff.json`,
    },
    {
      id: "trivy",
      label: "Trivy",
      note: "Trivy's own template makes findings of what it saw in an image.",
      text: `export AWS_REGION=${s.region} AWS_ACCOUNT_ID=${s.account}
trivy image --format template --template @contrib/asff.tpl -o report.asff alpine:3.10
${credentials(s)}hubcap import --endpoint ${s.origin} report.asff`,
    },
    {
      id: "curl",
      label: "curl",
      note: "curl 7.82 or later: it signs by itself.",
      text: `curl -sS --fail-with-body --aws-sigv4 aws:amz:${s.region}:securityhub --user ${s.keyId}:${secret(s)} \\
  ${s.origin}/findings/import --json @- <<'EOF'
{"Findings": ${firstFinding(s, at)}}
EOF`,
    },
  ];
}

/** The sample data, as a command. */
export function demoCommand(s: Sender): string {
  return `${credentials(s)}hubcap demo --endpoint ${s.origin}`;
}

/** What hubcap's own commands need where keys are checked. Else they need nothing. */
function credentials(s: Sender): string {
  return s.checked ? `AWS_ACCESS_KEY_ID=${s.keyId} AWS_SECRET_ACCESS_KEY=${secret(s)} AWS_REGION=${s.region} ` : "";
}
