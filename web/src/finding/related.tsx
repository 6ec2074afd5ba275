import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { Failure } from "../api/failure";
import { State } from "../findings/columns";
import { type Finding, keyOf } from "../findings/finding";
import { harmless } from "../findings/harmless";
import { findingHref, findingsHref } from "../findings/link";
import { Severity } from "../findings/severity";
import { quote } from "../findings/where";
import { SectionHeader } from "./members";
import { useCount, useWorst } from "./queries";

const most = 10;

/** Findings that have something in common with this one. */
export function Related({ finding }: { finding: Finding }) {
  const resource = finding.Resources?.[0]?.Id;
  const control = finding.Compliance?.SecurityControlId;
  return (
    <SpaceBetween size="l">
      {finding.RelatedFindings !== undefined && finding.RelatedFindings.length > 0 && (
        <Container header={<SectionHeader counter={finding.RelatedFindings.length}>Named by the finding itself</SectionHeader>}>
          <ul className="finding-list">
            {finding.RelatedFindings.map((r, i) => (
              <li key={i}>
                <Link href={findingHref({ Id: r.Id ?? "", ProductArn: r.ProductArn ?? "" })}>
                  <span className="finding-text">{harmless(r.Id ?? "")}</span>
                </Link>{" "}
                <Box variant="span" color="text-body-secondary">
                  <span className="finding-text">{harmless(r.ProductArn ?? "")}</span>
                </Box>
              </li>
            ))}
          </ul>
        </Container>
      )}
      {typeof resource === "string" && <Siblings finding={finding} title="About the same resource" what={resource} where={`ResourceId = ${quote(resource)}`} />}
      {typeof finding.GeneratorId === "string" && <Siblings finding={finding} title="By the same generator" what={finding.GeneratorId} where={`GeneratorId = ${quote(finding.GeneratorId)}`} />}
      {typeof control === "string" && <Siblings finding={finding} title="Of the same control" what={control} where={`ComplianceSecurityControlId = ${quote(control)}`} />}
    </SpaceBetween>
  );
}

interface SiblingsProps {
  finding: Finding;
  title: string;
  what: string;
  where: string;
}

function Siblings({ finding, title, what, where }: SiblingsProps) {
  const count = useCount(where);
  const worst = useWorst(where, most + 1);
  const others = worst.data?.filter((f) => keyOf(f) !== keyOf(finding)).slice(0, most);
  const failed = worst.isError ? worst : count.isError ? count : undefined;
  const n = count.data === undefined ? undefined : Math.max(0, count.data - 1);
  return (
    <Container header={<SectionHeader counter={n}>{title}</SectionHeader>} footer={<Link href={findingsHref(where)}>Show them on the Findings page</Link>}>
      <SpaceBetween size="s">
        <Box color="text-body-secondary">
          <span className="finding-text">{harmless(what.slice(0, 300))}</span>
        </Box>
        {failed !== undefined && <Failure error={failed.error} what="The findings could not be had" retry={() => void failed.refetch()} />}
        {worst.isPending && <Spinner />}
        {others?.length === 0 && <Box color="text-status-inactive">No other finding.</Box>}
        {others?.map((f) => (
          <SpaceBetween key={keyOf(f)} direction="horizontal" size="xs" alignItems="center">
            <Severity label={f.Severity?.Label} />
            <State value={f.Workflow?.Status} />
            <Link href={findingHref(f)}>
              <span className="finding-text">{harmless(f.Title ?? "")}</span>
            </Link>
          </SpaceBetween>
        ))}
        {n !== undefined && others !== undefined && n > others.length && <Box color="text-body-secondary">and {(n - others.length).toLocaleString("en")} more</Box>}
      </SpaceBetween>
    </Container>
  );
}
