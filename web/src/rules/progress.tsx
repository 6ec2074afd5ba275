import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { isOver, type Job } from "./queries";

interface JobProgressProps {
  job: Job;
  /** What the job does, as "Running suppress-dev". */
  title: string;
  busy: boolean;
  onCancel: () => void;
  onUndo: () => void;
  onDismiss: () => void;
}

/** How a job stands, and what can be done about it. */
export function JobProgress({ job, title, busy, onCancel, onUndo, onDismiss }: JobProgressProps) {
  const n = (x: number) => x.toLocaleString("en");
  const parts = [
    `${n(job.Changed)} changed`,
    job.Unchanged > 0 ? `${n(job.Unchanged)} left as they are` : "",
    job.NoLongerMatching > 0 ? `${n(job.NoLongerMatching)} no longer match` : "",
    job.Failed > 0 ? `${n(job.Failed)} failed` : "",
  ].filter((p) => p !== "");
  if (!isOver(job)) {
    const share = job.Total === 0 ? 0 : Math.round((100 * job.Done) / job.Total);
    return (
      <Alert
        type="info"
        header={title}
        action={
          <Button loading={busy} onClick={onCancel}>
            Stop
          </Button>
        }
      >
        <ProgressBar
          ariaLabel={title}
          description={job.Status === "RUNNING" ? `${n(job.Done)} of ${n(job.Total)} findings` : "The findings are being listed"}
          additionalInfo={parts.join(", ")}
          value={share}
        />
      </Alert>
    );
  }
  const failed = job.Status === "FAILED" || job.Failed > 0;
  return (
    <Alert
      type={failed ? "warning" : job.Status === "CANCELLED" ? "info" : "success"}
      dismissible
      dismissAriaLabel="Close"
      onDismiss={onDismiss}
      header={`${title}: ${endings[job.Status] ?? job.Status}`}
      action={
        job.Changed > 0 && (
          <Button loading={busy} onClick={onUndo}>
            {job.UndoOf === undefined ? "Undo" : "Redo"}
          </Button>
        )
      }
    >
      <SpaceBetween size="xxs">
        <span>{parts.join(", ")}.</span>
        {job.Message !== undefined && <span>{job.Message}</span>}
        {(job.Failures ?? []).map((f) => (
          <span key={`${f.ErrorCode} ${f.ErrorMessage}`}>
            {n(f.Count)} × {f.ErrorCode}: {f.ErrorMessage}
          </span>
        ))}
      </SpaceBetween>
    </Alert>
  );
}

const endings: Partial<Record<Job["Status"], string>> = { DONE: "done", CANCELLED: "stopped", FAILED: "failed" };
