import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { findingHref } from "../findings/link";
import { useRun } from "./hooks";
import type { ChosenRule, Job, Trial } from "./queries";
import { TrialResult } from "./trial";

interface TryOutProps {
  name: string;
  rule: ChosenRule;
  /** Whether the rule is to be run when what it would do was seen. */
  run: boolean;
  onStarted: (job: Job) => void;
  onClose: () => void;
}

/** Shows what a rule would change of what is stored and, if that is wished, lets it. */
export function TryOut({ name, rule, run, onStarted, onClose }: TryOutProps) {
  const hub = useHub();
  const trial = useQuery({
    queryKey: [...hub.cacheKey, "trial", rule],
    queryFn: ({ signal }) => hub.own<Trial>("POST", "automation-rules/try", { body: rule, signal }),
    gcTime: 0,
    staleTime: Infinity,
  });
  const start = useRun();
  const n = trial.data?.WouldChange ?? 0;
  const more = trial.data?.Complete === false;
  return (
    <Modal
      visible
      size="large"
      header={run ? `Run ${name} on what is stored` : `What ${name} would change`}
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {run ? "Cancel" : "Close"}
            </Button>
            {run && (
              <Button variant="primary" disabled={trial.data === undefined || (n === 0 && !more)} loading={start.isPending} onClick={() => start.mutate(rule, { onSuccess: onStarted })}>
                {trial.data === undefined ? "Run" : `Change ${more ? "at least " : ""}${n.toLocaleString("en")} findings`}
              </Button>
            )}
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {start.isError && <Failure error={start.error} what="The rule could not be run" />}
        {trial.isError && <Failure error={trial.error} what="The rule could not be tried" retry={() => void trial.refetch()} />}
        {trial.isPending && (
          <Box padding="l" textAlign="center">
            <Spinner /> Looking at what is stored
          </Box>
        )}
        {trial.data !== undefined && <TrialResult trial={trial.data} findingHref={findingHref} />}
        {run && <Box color="text-body-secondary">The rule acts alone, in the background. It can be taken back afterwards.</Box>}
      </SpaceBetween>
    </Modal>
  );
}
