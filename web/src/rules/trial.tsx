import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { harmless } from "../findings/harmless";
import type { Trial, Update } from "./queries";

interface TrialProps {
  trial: Trial;
  /** The address of a finding's page. */
  findingHref: (id: { Id: string; ProductArn: string }) => string;
}

/** What a rule would do to what is stored: how many findings it would change, and some of them. */
export function TrialResult({ trial, findingHref }: TrialProps) {
  return (
    <SpaceBetween size="m">
      <ColumnLayout columns={3} variant="text-grid" minColumnWidth={140}>
        <Figure label="Match the criteria" n={trial.Matching} />
        <Figure label="Would change" n={trial.WouldChange} />
        <Figure label="Could not be changed" n={trial.CouldNot} />
      </ColumnLayout>
      {!trial.Complete && (
        <Alert type="info">
          {trial.Examined.toLocaleString("en")} of the {trial.Matching.toLocaleString("en")} that match were looked at: there are more than one try takes.
        </Alert>
      )}
      {trial.Matching === 0 && <Alert type="info">Nothing that is stored matches. The rule will still act on what is imported from now on.</Alert>}
      {trial.Matching > 0 && trial.WouldChange === 0 && <Alert type="info">All that match are already as the rule wants them.</Alert>}
      {trial.Samples.length > 0 && (
        <Table
          variant="embedded"
          contentDensity="compact"
          wrapLines
          header={<Box variant="h3">{trial.WouldChange > trial.Samples.length ? "Some of them" : "These"}</Box>}
          items={trial.Samples}
          trackBy={(s) => `${s.FindingIdentifier.ProductArn} ${s.FindingIdentifier.Id}`}
          ariaLabels={{ tableLabel: "Findings that would change" }}
          columnDefinitions={[
            {
              id: "title",
              header: "Finding",
              isRowHeader: true,
              cell: (s) => <Link href={findingHref(s.FindingIdentifier)}>{harmless(s.Title === "" ? s.FindingIdentifier.Id : s.Title)}</Link>,
            },
            { id: "account", header: "Account", cell: (s) => s.AwsAccountId },
            { id: "updates", header: "Change", cell: (s) => s.Updates.map((u) => <Change key={u.UpdatedField} update={u} />) },
          ]}
        />
      )}
    </SpaceBetween>
  );
}

function Figure({ label, n }: { label: string; n: number }) {
  return (
    <div>
      <Box variant="awsui-key-label">{label}</Box>
      <Box variant="awsui-value-large">{n.toLocaleString("en")}</Box>
    </div>
  );
}

function Change({ update }: { update: Update }) {
  return (
    <div>
      <Box variant="code">{update.UpdatedField}</Box>: {harmless(update.OldValue ?? "nothing")} → {harmless(update.NewValue ?? "nothing")}
    </div>
  );
}
