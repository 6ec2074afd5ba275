import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import KeyValuePairs, { type KeyValuePairsProps } from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { State } from "../findings/columns";
import type { Finding } from "../findings/finding";
import { harmless, webAddress } from "../findings/harmless";
import { findingHref, findingsHref } from "../findings/link";
import { Severity } from "../findings/severity";
import { quote } from "../findings/where";
import { Members, Part, SectionHeader, Value } from "./members";
import { Address, Text } from "./text";
import { isMap, Tree } from "./tree";

/** A finding as it came: whatever its provider sent may stand there, the format's members and others. */
export type Sent = Record<string, unknown>;

/** The members that the key facts and the page's head show. */
const inFacts = [
  "Title", "Workflow", "WorkflowState", "RecordState", "VerificationState", "ProductName", "CompanyName", "ProductArn", "AwsAccountId", "AwsAccountName", "Region", "GeneratorId", "Id",
  "FirstObservedAt", "LastObservedAt", "CreatedAt", "UpdatedAt", "ProcessedAt", "Confidence", "Criticality", "Sample", "SourceUrl", "SchemaVersion",
] as const;

/** The parts of the page, in order, and which of their members stand first. */
const parts: readonly { member: string; title: string; first?: readonly string[] }[] = [
  { member: "Compliance", title: "Compliance", first: ["Status", "SecurityControlId", "RelatedRequirements", "AssociatedStandards", "StatusReasons"] },
  { member: "Vulnerabilities", title: "Vulnerabilities", first: ["Id", "Name", "Version", "FixedInVersion", "FixAvailable", "ExploitAvailable", "EpssScore", "BaseScore"] },
  { member: "Network", title: "Network", first: ["Direction", "Protocol", "SourceIpV4", "SourceIpV6", "SourcePort", "SourceDomain", "SourceMac", "DestinationIpV4", "DestinationIpV6", "DestinationPort", "DestinationDomain"] },
  { member: "NetworkPath", title: "Network path", first: ["ComponentId", "ComponentType"] },
  { member: "Process", title: "Process", first: ["Name", "Path", "Pid", "ParentPid"] },
  { member: "Malware", title: "Malware", first: ["Name", "Type", "State", "Path"] },
  { member: "Threats", title: "Threats", first: ["Name", "Severity", "ItemCount"] },
  { member: "ThreatIntelIndicators", title: "Threat intelligence", first: ["Type", "Value", "Category", "Source", "SourceUrl", "LastObservedAt"] },
  { member: "PatchSummary", title: "Patches", first: ["Id", "InstalledCount", "MissingCount", "FailedCount"] },
  { member: "Action", title: "Action", first: ["ActionType"] },
  { member: "Detection", title: "Detection" },
  { member: "GeneratorDetails", title: "Generator", first: ["Name", "Description", "Labels"] },
  { member: "FindingProviderFields", title: "As the provider reported it", first: ["Severity", "Confidence", "Criticality", "Types"] },
  { member: "Types", title: "Types" },
  { member: "ProductFields", title: "Product fields" },
  { member: "UserDefinedFields", title: "User-defined fields" },
];

const elsewhere = ["Severity", "Remediation", "Description", "Note", "RelatedFindings", "Resources"];

const known = new Set<string>([...inFacts, ...parts.map((p) => p.member), ...elsewhere]);

/** What, where, since when. */
export function Facts({ finding, sent }: { finding: Finding; sent: Sent }) {
  const resources = Array.isArray(sent["Resources"]) ? sent["Resources"] : [];
  const resource: unknown = isMap(resources[0]) ? resources[0]["Id"] : undefined;
  const more = (where: string, shown: ReactNode) => <Link href={findingsHref(where)}>{shown}</Link>;
  const linked = (member: string) => {
    const value = sent[member];
    return typeof value === "string" ? more(`${member} = ${quote(value)}`, <span className="finding-text">{harmless(value)}</span>) : <Tree value={value} />;
  };
  const given = (member: string, label: string) => (sent[member] === undefined ? [] : [{ label, value: <Tree value={sent[member]} /> }]);
  const items: KeyValuePairsProps.Item[] = [
    { label: "Severity", value: isMap(sent["Severity"]) ? <SeverityFacts severity={sent["Severity"]} /> : <Tree value={sent["Severity"]} /> },
    { label: "Workflow status", value: <Workflow sent={sent} /> },
    { label: "Record state", value: <Tree value={sent["RecordState"]} /> },
    { label: "Product", value: linked("ProductName") },
    ...given("CompanyName", "Company"),
    { label: "Account", value: <>{linked("AwsAccountId")}{sent["AwsAccountName"] !== undefined && <> (<Tree value={sent["AwsAccountName"]} />)</>}</> },
    { label: "Region", value: linked("Region") },
    {
      label: resources.length > 1 ? `Resource (the first of ${resources.length.toLocaleString("en")})` : "Resource",
      value: typeof resource === "string" ? more(`ResourceId = ${quote(resource)}`, <span className="finding-text">{harmless(resource)}</span>) : "–",
    },
    { label: "Generator", value: linked("GeneratorId") },
    ...["FirstObservedAt", "LastObservedAt", "CreatedAt", "UpdatedAt", "ProcessedAt"].map((m) => ({ label: instants[m] ?? m, value: <Value member={m} value={sent[m]} /> })),
    ...given("VerificationState", "Verification state"),
    ...given("Criticality", "Criticality"),
    ...given("Confidence", "Confidence"),
    ...(finding.Sample === undefined ? [] : [{ label: "Sample", value: finding.Sample === true ? "Yes: it was made up" : <Tree value={sent["Sample"]} /> }]),
    ...given("SourceUrl", "Source"),
    { label: "Id", value: <Tree value={sent["Id"]} /> },
    { label: "Product ARN", value: <Tree value={sent["ProductArn"]} /> },
    ...given("SchemaVersion", "Schema version"),
  ];
  return (
    <Container header={<SectionHeader>What, where, since when</SectionHeader>}>
      <KeyValuePairs columns={4} items={items} />
    </Container>
  );
}

const instants: Record<string, string> = { FirstObservedAt: "First observed", LastObservedAt: "Last observed", CreatedAt: "Created", UpdatedAt: "Updated", ProcessedAt: "Processed" };

function SeverityFacts({ severity }: { severity: Record<string, unknown> }) {
  const { Label, ...rest } = severity;
  return (
    <SpaceBetween size="xxs">
      {typeof Label === "string" ? <Severity label={Label} /> : <Tree value={Label} />}
      {Object.keys(rest).length > 0 && <Tree value={rest} />}
    </SpaceBetween>
  );
}

function Workflow({ sent }: { sent: Sent }) {
  const workflow = isMap(sent["Workflow"]) ? sent["Workflow"] : { Status: sent["Workflow"] };
  const { Status, ...rest } = workflow;
  const old = sent["WorkflowState"];
  return (
    <SpaceBetween size="xxs">
      {typeof Status === "string" ? <State value={Status} /> : <Tree value={Status} />}
      {Object.keys(rest).length > 0 && <Tree value={rest} />}
      {old !== undefined && <span>Workflow state (of old): <Tree value={old} /></span>}
    </SpaceBetween>
  );
}

/** How to mend it, what it says, and all else that the finding has. */
export function Sections({ sent }: { sent: Sent }) {
  const rest = Object.fromEntries(Object.entries(sent).filter(([name]) => !known.has(name)));
  return (
    <SpaceBetween size="l">
      <Container header={<SectionHeader>How to mend it</SectionHeader>}>
        <Remediation value={sent["Remediation"]} />
      </Container>
      <Container header={<SectionHeader>Description</SectionHeader>}>
        <Tree value={sent["Description"]} />
      </Container>
      {sent["Note"] !== undefined && (
        <Container header={<SectionHeader>Note</SectionHeader>}>
          <Part member="Note" value={sent["Note"]} first={["Text", "UpdatedBy", "UpdatedAt"]} />
        </Container>
      )}
      {parts.map(({ member, title, first }) => {
        const value = sent[member];
        return (
          value !== undefined && (
            <Container key={member} header={<SectionHeader counter={Array.isArray(value) ? value.length : undefined}>{title}</SectionHeader>}>
              <Part member={member} value={value} {...(first === undefined ? {} : { first })} />
            </Container>
          )
        );
      })}
      {sent["RelatedFindings"] !== undefined && (
        <Container header={<SectionHeader>Related findings</SectionHeader>}>
          <RelatedFindings value={sent["RelatedFindings"]} />
        </Container>
      )}
      {Object.keys(rest).length > 0 && (
        <Container header={<SectionHeader>What else its provider sent</SectionHeader>}>
          <Tree value={rest} />
        </Container>
      )}
    </SpaceBetween>
  );
}

function Remediation({ value }: { value: unknown }) {
  if (!isMap(value)) {
    return value === undefined ? <Box color="text-status-inactive">The finding does not say. Its source or its control may.</Box> : <Tree value={value} />;
  }
  const { Recommendation, ...others } = value;
  const { Text: text, Url: url, ...rest } = isMap(Recommendation) ? Recommendation : { Text: Recommendation };
  const href = typeof url === "string" ? webAddress(url) : undefined;
  return (
    <SpaceBetween size="s">
      {text !== undefined && <Box>{typeof text === "string" ? <Text value={text} /> : <Tree value={text} />}</Box>}
      {url !== undefined && <Box>{href === undefined ? <Tree value={url} /> : <Address href={href} text={String(url)} />}</Box>}
      {Object.keys(rest).length > 0 && <Members value={rest} />}
      {Object.keys(others).length > 0 && <Members value={others} />}
    </SpaceBetween>
  );
}

function RelatedFindings({ value }: { value: unknown }) {
  if (!Array.isArray(value) || !value.every(isMap)) {
    return <Tree value={value} />;
  }
  return (
    <SpaceBetween size="s">
      {value.slice(0, 100).map((r, i) => (
        <div key={i}>
          {typeof r["Id"] === "string" && typeof r["ProductArn"] === "string" && <Link href={findingHref({ Id: r["Id"], ProductArn: r["ProductArn"] })}>Show this finding</Link>}
          <Tree value={r} />
        </div>
      ))}
    </SpaceBetween>
  );
}
