import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Link from "@cloudscape-design/components/link";
import SpaceBetween from "@cloudscape-design/components/space-between";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useMemo, useState } from "react";
import type { Finding } from "../findings/finding";
import { harmless } from "../findings/harmless";
import { findingsHref } from "../findings/link";
import { quote } from "../findings/where";
import { Members, Pages, SectionHeader, Unfolding } from "./members";
import { isMap } from "./tree";

const perPage = 20;
const first = ["Type", "Id", "Region", "Partition", "ResourceRole", "ApplicationName", "ApplicationArn", "DataClassification", "Tags", "Details"];

/** What the finding is about. There may be thousands: only those that are looked at are made. */
export function Resources({ finding }: { finding: Finding }) {
  const [text, setText] = useState("");
  const [page, setPage] = useState(1);
  const all = useMemo(() => (Array.isArray(finding.Resources) ? (finding.Resources as unknown[]) : []).map((value, at) => ({ at, value: isMap(value) ? value : { Value: value } })), [finding]);
  const found = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return wanted === "" ? all : all.filter(({ value }) => JSON.stringify(value).toLowerCase().includes(wanted));
  }, [all, text]);
  return (
    <Container header={<SectionHeader counter={all.length}>Resources</SectionHeader>}>
      <SpaceBetween size="s">
        {all.length > 5 && (
          <TextFilter
            filteringText={text}
            filteringPlaceholder="Find resources"
            filteringAriaLabel="Find resources"
            countText={`${found.length.toLocaleString("en")} ${found.length === 1 ? "match" : "matches"}`}
            onChange={({ detail }) => {
              setText(detail.filteringText);
              setPage(1);
            }}
          />
        )}
        {found.length === 0 && <Box color="text-status-inactive">{all.length === 0 ? "The finding names none." : "None of them holds that."}</Box>}
        {found.slice((page - 1) * perPage, page * perPage).map(({ at, value }) => (
          <Unfolding key={at} title={shortId(value)} about={typeof value["Type"] === "string" ? harmless(value["Type"]) : ""} opened={all.length <= 3}>
            {() => (
              <SpaceBetween size="m">
                {typeof value["Id"] === "string" && <Link href={findingsHref(`ResourceId = ${quote(value["Id"])}`)}>All findings about this resource</Link>}
                <Members value={value} first={first} />
              </SpaceBetween>
            )}
          </Unfolding>
        ))}
        {found.length > perPage && <Pages page={page} of={Math.ceil(found.length / perPage)} onChange={setPage} />}
      </SpaceBetween>
    </Container>
  );
}

function shortId(resource: Record<string, unknown>): string {
  const id = typeof resource["Id"] === "string" ? resource["Id"] : "A resource without an id";
  return harmless(id.length > 160 ? `${id.slice(0, 160)}…` : id);
}
