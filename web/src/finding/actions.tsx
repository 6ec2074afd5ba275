import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useHub } from "../api/context";
import { problemOf } from "../api/problem";
import { Change } from "../findings/change";
import { type Changes, parametersOf } from "../findings/changes";
import { type Finding, only } from "../findings/finding";
import { harmless } from "../findings/harmless";
import { useActionTargets } from "../insights/queries";
import type { Job } from "../rules/queries";
import { useNotify } from "../shell/notify";
import { currentOf } from "./current";

interface ActionsProps {
  finding: Finding;
  /** A job that changes it was started. */
  onStarted: (job: Job) => void;
}

const statuses = ["NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"];

/** What can be done about the finding. Changes are jobs that mean this finding alone: an Id and a product may stand in several accounts, and a job can be undone. */
export function Actions({ finding, onStarted }: ActionsProps) {
  const hub = useHub();
  const notify = useNotify();
  const [changing, setChanging] = useState<Changes>();
  const set = useMutation({
    mutationFn: async (workflow: string) =>
      (await hub.own<{ Job: Job }>("POST", "jobs", { body: { Kind: "UpdateFindings", Where: only(finding), Parameters: parametersOf({ workflow }, hub.session.arn) } })).Job,
    onSuccess: onStarted,
    onError: (error) => notify({ type: "error", header: "Nothing was changed", content: `${problemOf(error).message} ${problemOf(error).advice}` }),
  });
  const status = finding.Workflow?.Status;
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <CustomActions finding={finding} />
      <Button loading={set.isPending} disabled={status === "SUPPRESSED"} onClick={() => set.mutate("SUPPRESSED")}>
        Suppress
      </Button>
      <ButtonDropdown
        variant="primary"
        loading={set.isPending}
        items={[
          ...statuses.map((s) => ({ id: s, text: `Set workflow status ${s.charAt(0)}${s.slice(1).toLowerCase()}`, disabled: s === status, ...(s === status ? { disabledReason: "It is so already" } : {}) })),
          { id: "note", text: finding.Note === undefined ? "Add a note" : "Change the note" },
          { id: "other", text: "Change other members" },
        ]}
        onItemClick={({ detail }) => {
          if (statuses.includes(detail.id)) {
            set.mutate(detail.id);
          } else {
            setChanging(detail.id === "note" ? { note: finding.Note?.Text ?? "" } : {});
          }
        }}
      >
        Change
      </ButtonDropdown>
      {changing !== undefined && (
        <Change
          where={only(finding)}
          what="this finding"
          initial={changing}
          current={currentOf(finding)}
          onDismiss={() => setChanging(undefined)}
          onStarted={(job) => {
            setChanging(undefined);
            onStarted(job);
          }}
        />
      )}
    </SpaceBetween>
  );
}

/** Sends the finding to a custom action, where there are any. */
function CustomActions({ finding }: { finding: Finding }) {
  const hub = useHub();
  const notify = useNotify();
  const targets = useActionTargets();
  const send = useMutation({
    mutationFn: async (arn: string) => {
      const answer = await hub.own<{ UnprocessedFindings?: { ErrorCode?: string; ErrorMessage?: string }[] }>("POST", `custom-actions/${arn.split("/").map(encodeURIComponent).join("/")}`, {
        body: { Findings: [{ Id: finding.Id, ProductArn: finding.ProductArn }] },
      });
      const failed = answer.UnprocessedFindings?.[0];
      if (failed !== undefined) {
        throw new Error(`${failed.ErrorCode ?? ""}: ${failed.ErrorMessage ?? ""}`);
      }
    },
    onSuccess: (_, arn) => notify({ type: "success", header: "The finding was sent", content: harmless(nameOf(arn)) }),
    onError: (error) => notify({ type: "error", header: "The finding was not sent", content: harmless(error.name === "Error" ? error.message : problemOf(error).message) }),
  });
  const nameOf = (arn: string) => targets.data?.find((t) => t.ActionTargetArn === arn)?.Name ?? arn;
  if (targets.data === undefined || targets.data.length === 0) {
    return null;
  }
  return (
    <ButtonDropdown
      loading={send.isPending}
      items={targets.data.map((t) => ({ id: t.ActionTargetArn ?? "", text: harmless(t.Name ?? ""), description: harmless(t.Description ?? "") }))}
      onItemClick={({ detail }) => send.mutate(detail.id)}
    >
      Custom actions
    </ButtonDropdown>
  );
}
