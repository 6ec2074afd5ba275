import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import Tabs from "@cloudscape-design/components/tabs";
import { CodeText } from "../code/code_text";
import { indent } from "../code/indent";
import type { RejectedFinding, Violation } from "./queries";

/** What is wrong with one rejected finding, and how to mend it. All of it is text: what a finding says is never markup. */
export function WhyRejected({ finding }: { finding: RejectedFinding }) {
  const mended = finding.Mended;
  return (
    <SpaceBetween size="m">
      {finding.Violations.length === 0 ? (
        <Alert type="error" header={finding.ErrorCode}>
          {finding.ErrorMessage} {finding.Remedy}
        </Alert>
      ) : (
        <Violations label="What is wrong" violations={finding.Violations} />
      )}
      <Tabs
        ariaLabel="The finding"
        tabs={[
          ...(mended === undefined
            ? []
            : [
                {
                  id: "mended",
                  label: "Mended",
                  content: (
                    <SpaceBetween size="s">
                      <Mends finding={finding} />
                      <CodeText name="the mended finding" text={mended} />
                    </SpaceBetween>
                  ),
                },
              ]),
          {
            id: "sent",
            label: "As sent",
            content:
              finding.Finding === undefined ? (
                <Box color="text-body-secondary">The finding was too large to keep.</Box>
              ) : (
                <CodeText name="the finding as sent" text={indent(finding.Finding)} />
              ),
          },
          { id: "answer", label: "The hub's answer", content: <CodeText name="the answer" text={`${finding.ErrorCode}: ${finding.ErrorMessage}`} /> },
        ]}
      />
    </SpaceBetween>
  );
}

function Mends({ finding }: { finding: RejectedFinding }) {
  const remaining = finding.Remaining ?? [];
  return (
    <SpaceBetween size="s">
      {(finding.Mends ?? []).length > 0 && (
        <div>
          <Box variant="awsui-key-label">What was changed</Box>
          <ul>
            {(finding.Mends ?? []).map((m, i) => (
              <li key={i}>
                <Box variant="code">{m.Path}</Box> {m.Message}
              </li>
            ))}
          </ul>
        </div>
      )}
      {remaining.length > 0 && (
        <>
          <Alert type="warning">The rest only the sender can know. Mend it before the finding is sent again.</Alert>
          <Violations label="What is still wrong" violations={remaining} />
        </>
      )}
    </SpaceBetween>
  );
}

export function Violations({ label, violations }: { label: string; violations: readonly Violation[] }) {
  return (
    <Table
      variant="embedded"
      contentDensity="compact"
      wrapLines
      items={violations.map((v, i) => ({ ...v, key: `${i}` }))}
      trackBy="key"
      ariaLabels={{ tableLabel: label }}
      columnDefinitions={[
        { id: "path", header: "Where", isRowHeader: true, cell: (v) => <Box variant="code">{v.Path === "" ? "the finding" : v.Path}</Box> },
        { id: "value", header: "Value", cell: (v) => (v.Value === "" ? "–" : <Box variant="code">{v.Value}</Box>) },
        { id: "message", header: "What is wrong", cell: (v) => v.Message },
        { id: "rule", header: "Rule", cell: (v) => v.Rule },
        { id: "remedy", header: "How to mend it", cell: (v) => v.Remedy },
      ]}
    />
  );
}
