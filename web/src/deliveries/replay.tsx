import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import DatePicker from "@cloudscape-design/components/date-picker";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import TimeInput from "@cloudscape-design/components/time-input";
import { type ReactNode, useState } from "react";

interface ReplayProps {
  sink: string;
  busy: boolean;
  error: ReactNode;
  onReplay: (from: string, to: string | undefined) => void;
  onClose: () => void;
}

/** Asks for the time whose events a sink is to get once more. */
export function Replay({ sink, busy, error, onReplay, onClose }: ReplayProps) {
  const [from, setFrom] = useState(() => at(new Date(Date.now() - 3_600_000)));
  const [to, setTo] = useState({ day: "", time: "" });
  const [asked, setAsked] = useState(false);
  const begin = instant(from);
  const end = to.day === "" ? undefined : instant(to);
  const wrongOrder = begin !== undefined && end !== undefined && end <= begin;
  const submit = () => {
    setAsked(true);
    if (begin !== undefined && !wrongOrder && (to.day === "" || end !== undefined)) {
      onReplay(begin, end);
    }
  };
  return (
    <Modal
      visible
      header={`Replay events to ${sink}`}
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} onClick={submit}>
              Replay
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(e) => {
          e.preventDefault();
          submit();
        }}
      >
        <Form errorText={undefined}>
          <SpaceBetween size="m">
            {error}
            <Alert type="info">
              The sink gets the events of this time once more, also those that it got before, with the ids they had. Events are kept for 7 days.
            </Alert>
            <FormField label="From (UTC)" errorText={asked && begin === undefined ? "When to begin." : undefined}>
              <Instant label="From" value={from} onChange={setFrom} />
            </FormField>
            <FormField
              label={
                <span>
                  To (UTC) <i>- optional</i>
                </span>
              }
              description="Until now, unless you say."
              errorText={asked && wrongOrder ? "The end must lie behind the begin." : asked && to.day !== "" && end === undefined ? "A time as 13:30:00." : undefined}
            >
              <Instant label="To" value={to} onChange={setTo} />
            </FormField>
          </SpaceBetween>
        </Form>
      </form>
    </Modal>
  );
}

interface Moment {
  day: string;
  time: string;
}

function Instant({ label, value, onChange }: { label: string; value: Moment; onChange: (v: Moment) => void }) {
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <DatePicker
        value={value.day}
        placeholder="YYYY/MM/DD"
        ariaLabel={`${label}, day`}
        openCalendarAriaLabel={(selected) => `Choose a day${selected === null ? "" : `, ${selected} is chosen`}`}
        onChange={({ detail }) => onChange({ ...value, day: detail.value })}
      />
      <TimeInput value={value.time} placeholder="hh:mm:ss" ariaLabel={`${label}, time`} onChange={({ detail }) => onChange({ ...value, time: detail.value })} />
    </SpaceBetween>
  );
}

function at(d: Date): Moment {
  const text = d.toISOString();
  return { day: text.slice(0, 10), time: text.slice(11, 19) };
}

/** The instant of a day and a time of UTC; undefined for what is none. */
function instant({ day, time }: Moment): string | undefined {
  const ms = Date.parse(`${day}T${(time === "" ? "00:00:00" : time).padEnd(8, ":00").slice(0, 8)}Z`);
  return Number.isNaN(ms) ? undefined : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
