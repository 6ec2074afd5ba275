import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";
import { CodeText } from "../code/code_text";
import { indent } from "../code/indent";
import { harmless } from "../findings/harmless";
import type { TailedEvent } from "./event";
import { useTail, type OpenStream } from "./use_tail";

interface TailProps {
  open: OpenStream;
}

/** How many events are kept on the page. */
export const keptEvents = 200;

/** What happens, as it happens. */
export function Tail({ open }: TailProps) {
  const [pattern, setPattern] = useState("");
  const wrong = badPattern(pattern);
  const tail = useTail(open, keptEvents);
  const live = tail.state !== "stopped";
  return (
    <Table
      header={
        <Header
          variant="h2"
          counter={tail.events.length === 0 ? undefined : `(${tail.events.length})`}
          description="The events of what you may see, as they come. What no sink wants is not recorded, and so is not seen here."
          actions={
            <SpaceBetween direction="horizontal" size="xs" alignItems="center">
              <State state={tail.state} />
              <Button disabled={tail.events.length === 0} onClick={tail.clear}>
                Clear
              </Button>
              {live ? (
                <Button onClick={tail.stop}>Stop</Button>
              ) : (
                <Button variant="primary" disabled={wrong !== undefined} onClick={() => tail.start(pattern.trim())}>
                  Start
                </Button>
              )}
            </SpaceBetween>
          }
        >
          Live stream
        </Header>
      }
      filter={
        <SpaceBetween size="s">
          <FormField
            label={
              <span>
                Event pattern <i>- optional</i>
              </span>
            }
            description="As EventBridge's rules have them."
            errorText={wrong}
            stretch
          >
            <Input
              value={pattern}
              disabled={live}
              spellcheck={false}
              placeholder={'{"detail":{"findings":{"Severity":{"Label":["CRITICAL"]}}}}'}
              onChange={({ detail }) => setPattern(detail.value)}
            />
          </FormField>
          {tail.error !== undefined && (
            <Alert type={live ? "warning" : "error"} header={live ? "The stream was cut; it goes on behind the last event" : "The stream ended"}>
              {tail.error}
            </Alert>
          )}
        </SpaceBetween>
      }
      variant="container"
      contentDensity="compact"
      items={tail.events}
      trackBy="id"
      ariaLabels={{ tableLabel: "Live stream" }}
      empty={<Box color="text-body-secondary">{live ? "Waiting for the first event." : "Start to see what happens."}</Box>}
      columnDefinitions={[
        { id: "time", header: "Time", width: 110, cell: (e) => clock(e.time) },
        {
          id: "event",
          header: "Event",
          isRowHeader: true,
          cell: (e) => (
            <ExpandableSection headerText={harmless(e.title === "" ? e.type : e.title)} variant="inline">
              <CodeText name={`the event of ${clock(e.time)}`} text={indent(e.text)} />
            </ExpandableSection>
          ),
        },
        { id: "severity", header: "Severity", width: 140, cell: (e) => e.severity || "–" },
        { id: "account", header: "Account", width: 140, cell: (e) => e.account },
        { id: "region", header: "Region", width: 130, cell: (e) => e.region },
        { id: "type", header: "Type", width: 220, cell: (e) => e.type.replace("Security Hub ", "") },
      ]}
    />
  );
}

function State({ state }: { state: ReturnType<typeof useTail>["state"] }) {
  switch (state) {
    case "live":
      return <StatusIndicator type="in-progress">Live</StatusIndicator>;
    case "connecting":
      return <StatusIndicator type="loading">Connecting</StatusIndicator>;
    case "stopped":
      return <StatusIndicator type="stopped">Stopped</StatusIndicator>;
  }
}

function clock(time: TailedEvent["time"]): string {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? "–" : at.toLocaleTimeString("en", { hour12: false });
}

/** Why a text is no event pattern, as far as the browser can tell. The hub tells the rest. */
export function badPattern(text: string): string | undefined {
  if (text.trim() === "") {
    return undefined;
  }
  try {
    const v: unknown = JSON.parse(text);
    return typeof v === "object" && v !== null && !Array.isArray(v) ? undefined : "A pattern is a JSON object.";
  } catch (e) {
    return `This is no JSON: ${e instanceof Error ? e.message : ""}`;
  }
}
