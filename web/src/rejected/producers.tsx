import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { Moment } from "../findings/moment";
import { type Hint, type Producer, producerKey, productOf } from "./queries";

interface ProducersProps {
  producers: readonly Producer[];
  since: string | undefined;
  loading: boolean;
  onChoose: (producer: Producer) => void;
}

/** Who sends findings, how that goes, and what they would do well to change. */
export function ProducersTable({ producers, since, loading, onChoose }: ProducersProps) {
  const ordered = [...producers].sort((a, b) => b.Hints.length - a.Hints.length || b.Rejected - a.Rejected || producerKey(a).localeCompare(producerKey(b)));
  return (
    <Table
      header={
        <Header
          variant="h2"
          counter={loading ? undefined : `(${producers.length})`}
          description={since === undefined ? undefined : `What came since the hub started, ${new Date(since).toLocaleString("en")}.`}
        >
          Producers
        </Header>
      }
      items={ordered}
      loading={loading}
      loadingText="Loading producers"
      trackBy={producerKey}
      wrapLines
      ariaLabels={{ tableLabel: "Producers" }}
      empty={<Box color="text-body-secondary">Nothing came since the hub started.</Box>}
      columnDefinitions={[
        {
          id: "product",
          header: "Product",
          isRowHeader: true,
          cell: (p) => (
            <div>
              {p.ProductName ?? productOf(p.ProductArn)}
              <Box color="text-body-secondary" fontSize="body-s">
                {p.AccountId === "" ? "no account that is one" : `account ${p.AccountId}`}, {p.Region}
                {p.SenderAccountId !== undefined && p.SenderAccountId !== p.AccountId && `, sent by ${p.SenderAccountId}`}
              </Box>
            </div>
          ),
        },
        { id: "created", header: "Created", cell: (p) => p.Created.toLocaleString("en") },
        { id: "updated", header: "Updated", cell: (p) => p.Updated.toLocaleString("en") },
        { id: "stale", header: "Stale", cell: (p) => p.Stale.toLocaleString("en") },
        {
          id: "rejected",
          header: "Rejected",
          cell: (p) =>
            p.Rejected === 0 ? (
              "0"
            ) : (
              <Button variant="inline-link" ariaLabel={`Show the ${p.Rejected} rejected findings of ${productOf(p.ProductArn)}`} onClick={() => onChoose(p)}>
                {p.Rejected.toLocaleString("en")}
              </Button>
            ),
        },
        { id: "seen", header: "Last seen", cell: (p) => <Moment at={p.LastSeenAt} /> },
        {
          id: "hints",
          header: "What to change",
          cell: (p) =>
            p.Hints.length === 0 ? (
              <StatusIndicator type="success">Nothing</StatusIndicator>
            ) : (
              <SpaceBetween size="s">
                {p.Hints.map((h) => (
                  <HintText key={`${h.Code} ${h.Path ?? ""}`} hint={h} />
                ))}
              </SpaceBetween>
            ),
        },
      ]}
    />
  );
}

function HintText({ hint }: { hint: Hint }) {
  return (
    <div>
      <StatusIndicator type="warning">{hint.Message}</StatusIndicator>
      <Box color="text-body-secondary" fontSize="body-s">
        {hint.Remedy}
      </Box>
    </div>
  );
}
