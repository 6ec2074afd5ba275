import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { duration } from "../overview/duration";
import type { Sink } from "./queries";

interface SinksTableProps {
  sinks: readonly Sink[];
  loading: boolean;
  /** The sink that is being tested now. */
  testing: string | undefined;
  onTest: (name: string) => void;
  onReplay: (name: string) => void;
  onDead: (sink: Sink) => void;
  onRefresh: () => void;
}

/** Where events go, and how that stands. */
export function SinksTable({ sinks, loading, testing, onTest, onReplay, onDead, onRefresh }: SinksTableProps) {
  return (
    <Table
      header={
        <Header
          variant="h2"
          counter={loading ? undefined : `(${sinks.length})`}
          description="A sink is set up in the hub's configuration file, in a table [[sinks]]."
          actions={<Button iconName="refresh" ariaLabel="Refresh the sinks" onClick={onRefresh} />}
        >
          Sinks
        </Header>
      }
      items={sinks}
      loading={loading}
      loadingText="Loading sinks"
      trackBy="Name"
      ariaLabels={{ tableLabel: "Sinks" }}
      empty={
        <Box textAlign="center" padding="s">
          <Box variant="strong">No sinks</Box>
          <Box color="text-body-secondary">
            This hub tells nobody of what happens. Add a table [[sinks]] to its configuration file, and start it with --config.
          </Box>
        </Box>
      }
      columnDefinitions={[
        { id: "name", header: "Name", isRowHeader: true, cell: (s) => s.Name },
        { id: "type", header: "Type", cell: (s) => typeNames[s.Type] ?? s.Type },
        { id: "status", header: "Status", cell: (s) => <Status sink={s} /> },
        { id: "lag", header: "Lag", cell: (s) => <Lag sink={s} /> },
        {
          id: "dead",
          header: "Given up",
          cell: (s) =>
            s.Dead === 0 ? (
              "0"
            ) : (
              <Button variant="inline-link" ariaLabel={`${s.Dead} events that ${s.Name} will not get`} onClick={() => onDead(s)}>
                {s.Dead.toLocaleString("en")}
              </Button>
            ),
        },
        {
          id: "actions",
          header: "Actions",
          cell: (s) => (
            <SpaceBetween direction="horizontal" size="xs">
              <Button loading={testing === s.Name} disabled={testing !== undefined} ariaLabel={`Send a test event to ${s.Name}`} onClick={() => onTest(s.Name)}>
                Test
              </Button>
              {s.Type !== "stream" && (
                <Button ariaLabel={`Replay events to ${s.Name}`} onClick={() => onReplay(s.Name)}>
                  Replay
                </Button>
              )}
            </SpaceBetween>
          ),
        },
      ]}
    />
  );
}

const typeNames: Record<string, string> = { webhook: "Webhook", file: "File", stream: "Live stream" };

function Status({ sink }: { sink: Sink }) {
  if (sink.Status === "UP") {
    return <StatusIndicator type="success">Up</StatusIndicator>;
  }
  return (
    <SpaceBetween size="xxs">
      <StatusIndicator type="error">Down{sink.DownSince === undefined ? "" : ` since ${new Date(sink.DownSince).toLocaleString("en")}`}</StatusIndicator>
      <Box fontSize="body-s" color="text-body-secondary">
        {sink.Reason}
      </Box>
    </SpaceBetween>
  );
}

function Lag({ sink }: { sink: Sink }) {
  if (sink.Type === "stream") {
    return "–";
  }
  const waiting = sink.Waiting ?? 0;
  const oldest = sink.OldestSeconds ?? 0;
  if (waiting > 0 || oldest > 0) {
    return (
      <SpaceBetween direction="horizontal" size="xs">
        {waiting > 0 && <Badge>{waiting.toLocaleString("en")} waiting</Badge>}
        {oldest > 0 && <span>the oldest for {duration(oldest)}</span>}
      </SpaceBetween>
    );
  }
  return sink.LagSeconds === undefined ? "Nothing waits" : `${sink.LagSeconds < 1 ? "under a second" : duration(sink.LagSeconds)}`;
}
