import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { useNotify } from "../shell/notify";
import type { Sink, Sinks, SinkTest } from "./queries";
import { Replay } from "./replay";
import { SinksTable } from "./sinks";
import { Tail } from "./tail";
import type { OpenStream } from "./use_tail";

/** Where events go, how that stands, and what happens now. */
export default function DeliveriesPage() {
  const hub = useHub();
  const notify = useNotify();
  const sinks = useQuery({
    queryKey: [...hub.cacheKey, "sinks"],
    queryFn: ({ signal }) => hub.own<Sinks>("GET", "sinks", { signal }),
    refetchInterval: 10_000,
  });
  const [replaying, setReplaying] = useState<string>();
  const [dead, setDead] = useState<Sink>();

  const test = useMutation({
    mutationFn: (name: string) => hub.own<SinkTest>("POST", `sinks/${encodeURIComponent(name)}/test`),
    onSuccess: (t) =>
      notify(
        t.Delivered
          ? { type: "success", content: `${t.Name} took a test event within ${t.Milliseconds} ms.` }
          : { type: "error", header: `${t.Name} did not take a test event`, content: t.Reason ?? "" },
      ),
    onSettled: () => sinks.refetch(),
  });
  const replay = useMutation({
    mutationFn: (ask: { Sink: string; From: string; To?: string }) => hub.own<{ Events: number }>("POST", "events/replay", { body: ask }),
    onSuccess: ({ Events }, ask) => {
      setReplaying(undefined);
      notify({
        type: Events > 0 ? "success" : "info",
        content: Events > 0 ? `${Events.toLocaleString("en")} events wait for ${ask.Sink}.` : `There are no events of that time for ${ask.Sink}.`,
      });
    },
    onSettled: () => sinks.refetch(),
  });
  const open: OpenStream = useCallback(
    ({ pattern, after }, signal) => hub.stream("events", { ...(pattern === "" ? {} : { pattern }), ...(after === undefined ? {} : { after }) }, signal),
    [hub],
  );

  return (
    <ContentLayout header={<Header variant="h1" description="Every change of a finding is an event. Sinks are told of those they want.">Deliveries</Header>}>
      <SpaceBetween size="l">
        {sinks.isError && <Failure error={sinks.error} what="The sinks could not be loaded" retry={() => void sinks.refetch()} />}
        {test.isError && <Failure error={test.error} what={`${test.variables} could not be tested`} retry={() => test.mutate(test.variables)} />}
        {!(sinks.isError && sinks.data === undefined) && (
          <SinksTable
            sinks={sinks.data?.Sinks ?? []}
            loading={sinks.isPending}
            testing={test.isPending ? test.variables : undefined}
            onTest={(name) => test.mutate(name)}
            onReplay={(name) => {
              replay.reset();
              setReplaying(name);
            }}
            onDead={setDead}
            onRefresh={() => void sinks.refetch()}
          />
        )}
        <Tail open={open} />
      </SpaceBetween>
      {replaying !== undefined && (
        <Replay
          sink={replaying}
          busy={replay.isPending}
          error={replay.isError && <Failure error={replay.error} what="The events could not be replayed" />}
          onReplay={(From, To) => replay.mutate({ Sink: replaying, From, ...(To === undefined ? {} : { To }) })}
          onClose={() => setReplaying(undefined)}
        />
      )}
      {dead !== undefined && (
        <Modal
          visible
          size="large"
          header={`What ${dead.Name} will not get`}
          closeAriaLabel="Close"
          onDismiss={() => setDead(undefined)}
          footer={
            <Box float="right">
              <Button
                onClick={() => {
                  replay.reset();
                  setReplaying(dead.Name);
                  setDead(undefined);
                }}
              >
                Replay
              </Button>
            </Box>
          }
        >
          <SpaceBetween size="m">
            <Alert type="info">These events were given up. When the sink works again, replay the time they are from.</Alert>
            <Table
              variant="embedded"
              contentDensity="compact"
              wrapLines
              items={dead.DeadEvents}
              trackBy="EventId"
              ariaLabels={{ tableLabel: "Events that were given up" }}
              footer={dead.Dead > dead.DeadEvents.length && `and ${(dead.Dead - dead.DeadEvents.length).toLocaleString("en")} more`}
              columnDefinitions={[
                { id: "at", header: "Event of", cell: (d) => new Date(d.At).toLocaleString("en") },
                { id: "reason", header: "Why", cell: (d) => d.Reason },
                { id: "account", header: "Account", cell: (d) => d.AwsAccountId },
                { id: "id", header: "Event id", isRowHeader: true, cell: (d) => <Box variant="code">{d.EventId}</Box> },
              ]}
            />
          </SpaceBetween>
        </Modal>
      )}
    </ContentLayout>
  );
}
