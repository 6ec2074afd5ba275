import type { Insight } from "@aws-sdk/client-securityhub";
import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Pagination from "@cloudscape-design/components/pagination";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useMemo, useState } from "react";
import { Failure } from "../api/failure";
import { inWords } from "../findings/attributes";
import { pageLabels } from "../shell/page_labels";
import { insightHref, insightsHref } from "./links";
import { isManaged } from "./managed";
import { useInsights } from "./queries";

const kinds = [
  { value: "all", label: "All insights" },
  { value: "custom", label: "Custom insights" },
  { value: "managed", label: "Managed insights" },
];

export function InsightList() {
  const insights = useInsights();
  const [kind, setKind] = useState("all");
  const shown = useMemo(
    () => (insights.data ?? []).filter((i) => kind === "all" || isManaged(i.InsightArn ?? "") === (kind === "managed")),
    [insights.data, kind],
  );
  const { items, collectionProps, filterProps, paginationProps, filteredItemsCount } = useCollection<Insight>(shown, {
    filtering: {
      fields: ["Name", "GroupByAttribute"],
      empty: (
        <Box textAlign="center" padding="s">
          <SpaceBetween size="xs">
            <span>No insights of this kind.</span>
            <Button href={`${insightsHref}/new`}>Create insight</Button>
          </SpaceBetween>
        </Box>
      ),
      noMatch: "No insight matches.",
    },
    sorting: {},
    pagination: { pageSize: 20 },
  });
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description="Questions that are kept under a name: which values of an attribute have the most findings."
          actions={
            <Button variant="primary" href={`${insightsHref}/new`}>
              Create insight
            </Button>
          }
        >
          Insights
        </Header>
      }
    >
      <SpaceBetween size="l">
        {insights.isError && <Failure error={insights.error} what="The insights could not be loaded" retry={() => void insights.refetch()} />}
        <Table<Insight>
          {...collectionProps}
          items={items}
          loading={insights.isPending}
          loadingText="Loading insights"
          trackBy="InsightArn"
          ariaLabels={{ tableLabel: "Insights" }}
          header={
            <Header variant="h2" counter={insights.data && `(${shown.length})`}>
              {kinds.find((k) => k.value === kind)?.label}
            </Header>
          }
          filter={
            <SpaceBetween direction="horizontal" size="s">
              <TextFilter {...filterProps} filteringPlaceholder="Find an insight" filteringAriaLabel="Find an insight" countText={`${filteredItemsCount ?? 0} insights`} />
              <Select ariaLabel="Which insights" selectedOption={kinds.find((k) => k.value === kind) ?? null} options={kinds} onChange={({ detail }) => setKind(detail.selectedOption.value ?? "all")} />
            </SpaceBetween>
          }
          pagination={<Pagination {...paginationProps} ariaLabels={pageLabels} />}
          columnDefinitions={[
            { id: "name", header: "Name", sortingField: "Name", isRowHeader: true, cell: (i) => <Link href={insightHref(i.InsightArn ?? "")}>{i.Name}</Link> },
            { id: "by", header: "Counted by", sortingField: "GroupByAttribute", cell: (i) => inWords(i.GroupByAttribute ?? "") },
            { id: "kind", header: "Kind", cell: (i) => (isManaged(i.InsightArn ?? "") ? "Managed" : "Custom") },
          ]}
        />
      </SpaceBetween>
    </ContentLayout>
  );
}
