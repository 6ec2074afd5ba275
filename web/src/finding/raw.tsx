import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Spinner from "@cloudscape-design/components/spinner";
import { useMemo } from "react";
import { Failure } from "../api/failure";
import { CodeText } from "../code/code_text";
import { indent } from "../code/indent";
import type { Finding } from "../findings/finding";
import { SectionHeader } from "./members";
import { useText } from "./queries";
import { visibleJSON } from "./visible";

/** The finding as the hub keeps it, letter by letter. */
export function Raw({ finding }: { finding: Finding }) {
  const answer = useText(finding);
  const text = useMemo(() => (answer.data === undefined ? undefined : visibleJSON(indent(answer.data))), [answer.data]);
  return (
    <Container header={<SectionHeader>As it is kept (ASFF)</SectionHeader>}>
      {answer.isError && <Failure error={answer.error} what="The finding's text could not be had" retry={() => void answer.refetch()} />}
      {answer.isPending && (
        <Box>
          <Spinner /> Asking for the text
        </Box>
      )}
      {answer.isSuccess && text === undefined && <Box>The finding is no longer there.</Box>}
      {text !== undefined && <CodeText name="the finding as JSON" text={text} />}
    </Container>
  );
}
