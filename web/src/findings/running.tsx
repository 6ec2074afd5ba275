import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { JobProgress } from "../rules/progress";
import { isOver, type Job } from "../rules/queries";

interface RunningProps {
  jobId: string;
  onAnother: (job: Job) => void;
  onDismiss: () => void;
}

/** A job that changes findings: how far it is, and its undo. */
export function Running({ jobId, onAnother, onDismiss }: RunningProps) {
  const hub = useHub();
  const queries = useQueryClient();
  const answer = useQuery({
    queryKey: [...hub.cacheKey, "job", jobId],
    queryFn: ({ signal }) => hub.own<{ Job: Job }>("GET", `jobs/${jobId}`, { signal }),
    refetchInterval: (q) => (q.state.data !== undefined && isOver(q.state.data.Job) ? false : 500),
  });
  const job = answer.data?.Job;
  const over = job !== undefined && isOver(job);
  useEffect(() => {
    if (over) {
      void queries.invalidateQueries({ predicate: (q) => q.queryKey.includes("findings") || q.queryKey.includes("facets") || q.queryKey.includes("finding") });
    }
  }, [over, queries]);
  const act = useMutation({
    mutationFn: (what: "cancel" | "undo") => hub.own<{ Job: Job }>("POST", `jobs/${jobId}/${what}`, { body: {} }),
    onSuccess: (a, what) => (what === "undo" ? onAnother(a.Job) : void answer.refetch()),
  });
  if (answer.isError) {
    return <Failure error={answer.error} what="How the change stands could not be had" retry={() => void answer.refetch()} />;
  }
  if (job === undefined) {
    return null;
  }
  return (
    <>
      <JobProgress
        job={job}
        title={job.UndoOf === undefined ? "Change of findings" : "Undo"}
        busy={act.isPending}
        onCancel={() => act.mutate("cancel")}
        onUndo={() => act.mutate("undo")}
        onDismiss={onDismiss}
      />
      {act.isError && <Failure error={act.error} what="That could not be done" retry={undefined} />}
    </>
  );
}
