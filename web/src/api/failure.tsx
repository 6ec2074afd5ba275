import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import { problemOf } from "./problem";

interface FailureProps {
  error: unknown;
  /** What was tried: "The rules could not be loaded". */
  what: string;
  /** Absent where asking again is not safe, or the form's own button does it. */
  retry?: (() => void) | undefined;
}

/** What went wrong, and what can be done. */
export function Failure({ error, what, retry }: FailureProps) {
  const p = problemOf(error);
  return (
    <Alert type="error" header={what} action={retry !== undefined && <Button onClick={retry}>Retry</Button>}>
      {p.message} {p.advice}
      {(p.status > 0 || p.requestId !== undefined) && (
        <Box fontSize="body-s" color="text-body-secondary">
          {p.code}
          {p.requestId === undefined ? "" : `, request ${p.requestId}`}
        </Box>
      )}
    </Alert>
  );
}
