import type { FindingHistoryRecord, FindingHistoryUpdate } from "@aws-sdk/client-securityhub";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Spinner from "@cloudscape-design/components/spinner";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { Failure } from "../api/failure";
import type { Finding } from "../findings/finding";
import { harmless } from "../findings/harmless";
import { quote } from "../findings/where";
import { differences } from "./diff";
import { SectionHeader } from "./members";
import { useCount, useHistory } from "./queries";
import { Text } from "./text";
import { When } from "./when";

/** What became of the finding since it was created: when, by whom, and what was different then. */
export function History({ finding }: { finding: Finding }) {
  const answer = useHistory(finding);
  const sameName = useCount(`Id = ${quote(finding.Id ?? "")} and ProductArn = ${quote(finding.ProductArn ?? "")}`);
  const records = answer.data?.pages.flatMap((p) => p.Records);
  return (
    <Container header={<SectionHeader>History</SectionHeader>}>
      <SpaceBetween size="m">
        {(sameName.data ?? 1) > 1 && (
          <Alert type="info">
            {sameName.data?.toLocaleString("en")} findings have this Id and product, in several accounts or Regions. The API tells their histories together.
          </Alert>
        )}
        {answer.isError && records === undefined && <Failure error={answer.error} what="The history could not be had" retry={() => void answer.refetch()} />}
        {answer.isPending && (
          <Box>
            <Spinner /> Asking for the history
          </Box>
        )}
        {records?.length === 0 && <Box color="text-status-inactive">The hub tells nothing of it any more.</Box>}
        {records !== undefined && records.length > 0 && (
          <ol className="finding-timeline" aria-label="Changes, the newest first">
            {records.map((r, i) => (
              <li key={i}>
                <Change record={r} />
              </li>
            ))}
          </ol>
        )}
        {answer.isFetchNextPageError && <Failure error={answer.error} what="Older changes could not be had" retry={() => void answer.fetchNextPage()} />}
        {answer.hasNextPage && (
          <Button loading={answer.isFetchingNextPage} onClick={() => void answer.fetchNextPage()}>
            Show older changes
          </Button>
        )}
      </SpaceBetween>
    </Container>
  );
}

const sources: Record<string, string> = { BATCH_IMPORT_FINDINGS: "reported by", BATCH_UPDATE_FINDINGS: "changed by" };

function Change({ record }: { record: FindingHistoryRecord }) {
  const source = record.UpdateSource?.Type ?? "";
  const at = record.UpdateTime instanceof Date && !Number.isNaN(record.UpdateTime.getTime()) ? record.UpdateTime.toISOString() : undefined;
  return (
    <SpaceBetween size="xxs">
      <Box fontWeight="bold">
        {record.FindingCreated === true ? "Created" : `${record.Updates?.length ?? 0} ${record.Updates?.length === 1 ? "change" : "changes"}`} <When at={at} />
      </Box>
      {record.UpdateSource !== undefined && (
        <Box color="text-body-secondary">
          {sources[source] ?? harmless(source)} <Text value={record.UpdateSource.Identity ?? "–"} />
        </Box>
      )}
      {record.Updates !== undefined && record.Updates.length > 0 && <Updates updates={record.Updates} />}
    </SpaceBetween>
  );
}

function Updates({ updates }: { updates: readonly FindingHistoryUpdate[] }) {
  return (
    <table className="finding-diff">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Before</th>
          <th scope="col">Then</th>
        </tr>
      </thead>
      <tbody>
        {updates.map((u, i) => (
          <Update key={i} update={u} />
        ))}
      </tbody>
    </table>
  );
}

/** Of a long list of differences these are shown. */
const most = 50;

function Update({ update }: { update: FindingHistoryUpdate }) {
  const all = useMemo(() => differences(update.OldValue, update.NewValue), [update]);
  const field = harmless(update.UpdatedField ?? "");
  if (update.OldValue === undefined && update.NewValue === undefined) {
    return (
      <tr>
        <th scope="row">{field}</th>
        <td colSpan={2}>Changed; the values are too long to be kept.</td>
      </tr>
    );
  }
  return (
    <>
      {all.slice(0, most).map((d, i) => (
        <tr key={i}>
          <th scope="row">{d.path === "" ? field : `${field}${d.path.startsWith("[") ? "" : "."}${harmless(d.path)}`}</th>
          <td>{d.before === undefined ? "–" : <del><Text value={d.before} /></del>}</td>
          <td>{d.after === undefined ? "–" : <ins><Text value={d.after} /></ins>}</td>
        </tr>
      ))}
      {all.length > most && (
        <tr>
          <th scope="row">{field}</th>
          <td colSpan={2}>and {(all.length - most).toLocaleString("en")} further differences</td>
        </tr>
      )}
    </>
  );
}
