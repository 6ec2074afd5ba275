import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import Tabs from "@cloudscape-design/components/tabs";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { State } from "../findings/columns";
import { type Finding, keyOf } from "../findings/finding";
import { harmless } from "../findings/harmless";
import { findingHref, findingsHref } from "../findings/link";
import { Running } from "../findings/running";
import { Severity } from "../findings/severity";
import { Actions } from "./actions";
import { History } from "./history";
import { type Named, namedBy, useNamed } from "./queries";
import { Raw } from "./raw";
import { Related } from "./related";
import { Resources } from "./resources";
import { Facts, Sections, type Sent } from "./sections";
import { When } from "./when";

/** A finding: the one that the address names. */
export default function FindingPage() {
  const [search] = useSearchParams();
  const named = namedBy(search);
  if (named === undefined) {
    return (
      <ContentLayout header={<Header variant="h1">A finding</Header>}>
        <Alert type="info" header="The address names no finding">
          Choose one on the <Link href={findingsHref("")}>Findings page</Link>.
        </Alert>
      </ContentLayout>
    );
  }
  return <Asked key={JSON.stringify(named)} named={named} />;
}

function Asked({ named }: { named: Named }) {
  const { session } = useHub();
  const answer = useNamed(named);
  const found = answer.data;
  const only = found?.length === 1 ? found[0] : undefined;
  if (only !== undefined) {
    return <Shown finding={only} />;
  }
  return (
    <ContentLayout header={<Header variant="h1">A finding</Header>}>
      {answer.isError && <Failure error={answer.error} what="The finding could not be had" retry={() => void answer.refetch()} />}
      {answer.isPending && (
        <Box>
          <Spinner /> Asking for the finding
        </Box>
      )}
      {found?.length === 0 && (
        <Alert type="warning" header="There is no such finding here">
          <SpaceBetween size="xs">
            <span className="finding-text">{harmless(named.id)}</span>
            <span>
              It may have been deleted, or be in an account or Region that {harmless(session.account)} does not see from {session.region}
              {named.region !== undefined && named.region !== session.region && <>: its address says Region {harmless(named.region)}, which can be chosen above</>}.
            </span>
            <Link href={findingsHref("")}>Back to the findings</Link>
          </SpaceBetween>
        </Alert>
      )}
      {found !== undefined && found.length > 1 && <Choice found={found} />}
    </ContentLayout>
  );
}

/** Several accounts or Regions have a finding of this name: which one? */
function Choice({ found }: { found: readonly Finding[] }) {
  return (
    <Container header={<Header variant="h2" description="It stands in several accounts or Regions.">Which finding is meant?</Header>}>
      <SpaceBetween size="s">
        {found.map((f) => (
          <SpaceBetween key={keyOf(f)} direction="horizontal" size="xs" alignItems="center">
            <Severity label={f.Severity?.Label} />
            <State value={f.Workflow?.Status} />
            <Link href={findingHref(f)}>
              {harmless(f.AwsAccountId ?? "–")} in {harmless(f.Region ?? "–")}
            </Link>
            <Box variant="span" color="text-body-secondary">
              updated <When at={f.UpdatedAt} />
            </Box>
          </SpaceBetween>
        ))}
      </SpaceBetween>
    </Container>
  );
}

const tabs = ["finding", "resources", "history", "related", "json"];

/** A finding, all of it. */
export function Shown({ finding }: { finding: Finding }) {
  const [search, setSearch] = useSearchParams();
  const [jobId, setJobId] = useState<string>();
  const asked = search.get("tab") ?? "";
  const sent = finding as unknown as Sent;
  const resources = Array.isArray(sent["Resources"]) ? sent["Resources"].length : 0;
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          actions={<Actions finding={finding} onStarted={(job) => setJobId(job.JobId)} />}
          description={
            <span className="finding-head">
              <Severity label={finding.Severity?.Label} />
              <State value={finding.Workflow?.Status} />
              {finding.RecordState === "ARCHIVED" && <Box variant="span">Archived</Box>}
              <span>
                {harmless(finding.ProductName ?? "")} · {harmless(finding.AwsAccountId ?? "")} · {harmless(finding.Region ?? "")} · updated <When at={finding.UpdatedAt} />
              </span>
            </span>
          }
        >
          <span className="finding-text">{harmless((finding.Title ?? "") === "" ? "A finding without a title" : (finding.Title ?? ""))}</span>
        </Header>
      }
    >
      <SpaceBetween size="l">
        {jobId !== undefined && <Running jobId={jobId} onAnother={(j) => setJobId(j.JobId)} onDismiss={() => setJobId(undefined)} />}
        <Facts finding={finding} sent={sent} />
        <Tabs
          ariaLabel="Parts of the finding"
          activeTabId={tabs.includes(asked) ? asked : "finding"}
          onChange={({ detail }) =>
            setSearch(
              (now) => {
                const next = new URLSearchParams(now);
                next.set("tab", detail.activeTabId);
                return next;
              },
              { replace: true },
            )
          }
          tabs={[
            { id: "finding", label: "Finding", content: <Sections sent={sent} /> },
            { id: "resources", label: `Resources (${resources.toLocaleString("en")})`, content: <Resources finding={finding} /> },
            { id: "history", label: "History", content: <History finding={finding} /> },
            { id: "related", label: "Related", content: <Related finding={finding} /> },
            { id: "json", label: "JSON", content: <Raw finding={finding} /> },
          ]}
        />
      </SpaceBetween>
    </ContentLayout>
  );
}
