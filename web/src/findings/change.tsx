import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import type { Job, Update } from "../rules/queries";
import { ChangeForm } from "./change_form";
import { type Changes, isEmpty, parametersOf, problemsOf } from "./changes";
import { harmless } from "./harmless";

interface Preview {
  Matching: number;
  Samples: { FindingIdentifier: { Id: string; ProductArn: string }; Title: string; Changes: Update[]; Failure?: { ErrorMessage: string } }[];
}

interface ChangeProps {
  /** The condition of the findings that are meant. */
  where: string;
  /** How they are called: "3 selected findings". */
  what: string;
  initial: Changes;
  /** What the finding says now, where one alone is meant. */
  current?: Changes;
  onDismiss: () => void;
  onStarted: (job: Job) => void;
}

/** Asks what to change in many findings, shows what that would do, and starts it. */
export function Change({ where, what, initial, current, onDismiss, onStarted }: ChangeProps) {
  const hub = useHub();
  const [changes, setChanges] = useState(initial);
  const start = (dryRun: boolean) =>
    hub.own<{ Job?: Job; Preview?: Preview }>("POST", "jobs", {
      body: { Kind: "UpdateFindings", Where: where === "" ? "all" : where, Parameters: parametersOf(changes, hub.session.arn), DryRun: dryRun },
    });
  const preview = useMutation({ mutationFn: async () => (await start(true)).Preview });
  const go = useMutation({
    mutationFn: async () => (await start(false)).Job,
    onSuccess: (job) => job !== undefined && onStarted(job),
  });
  const unready = isEmpty(changes) || Object.keys(problemsOf(changes)).length > 0;
  return (
    <Modal
      visible
      size="large"
      header={`Change ${what}`}
      closeAriaLabel="Close"
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button disabled={unready} loading={preview.isPending} onClick={() => preview.mutate()}>
              Preview
            </Button>
            <Button variant="primary" disabled={unready || preview.data === undefined} loading={go.isPending} onClick={() => go.mutate()}>
              {preview.data === undefined ? "Change" : `Change ${preview.data.Matching.toLocaleString("en")}`}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <ChangeForm
          value={changes}
          current={current}
          onChange={(c) => {
            setChanges(c);
            preview.reset(); // it told of something else
          }}
        />
        <div aria-live="polite">
          {preview.isError && <Failure error={preview.error} what="There is no preview" retry={() => preview.mutate()} />}
          {go.isError && <Failure error={go.error} what="Nothing was changed" retry={undefined} />}
          {preview.data !== undefined && <PreviewText preview={preview.data} />}
        </div>
      </SpaceBetween>
    </Modal>
  );
}

function PreviewText({ preview }: { preview: Preview }) {
  return (
    <Alert type="info" header={`${preview.Matching.toLocaleString("en")} ${preview.Matching === 1 ? "finding matches" : "findings match"}`}>
      <SpaceBetween size="xs">
        {preview.Samples.slice(0, 5).map((s) => (
          <div key={`${s.FindingIdentifier.ProductArn} ${s.FindingIdentifier.Id}`}>
            <Box fontWeight="bold">{harmless(s.Title)}</Box>
            {s.Failure !== undefined && <div>Cannot be changed: {harmless(s.Failure.ErrorMessage)}</div>}
            {s.Failure === undefined && s.Changes.length === 0 && <div>Is so already.</div>}
            {s.Changes.map((c) => (
              <div key={c.UpdatedField}>
                {c.UpdatedField}: {harmless(c.OldValue ?? "–")} → {harmless(c.NewValue ?? "–")}
              </div>
            ))}
          </div>
        ))}
        <div>It can be undone: members that nobody changes in the meantime get back what they were.</div>
      </SpaceBetween>
    </Alert>
  );
}
