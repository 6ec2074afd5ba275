import { DisableImportFindingsForProductCommand, EnableImportFindingsForProductCommand } from "@aws-sdk/client-securityhub";
import { useCollection } from "@cloudscape-design/collection-hooks";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Modal from "@cloudscape-design/components/modal";
import Pagination from "@cloudscape-design/components/pagination";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { harmless } from "../findings/harmless";
import { findingsHref } from "../findings/link";
import { Moment } from "../findings/moment";
import { all, within } from "../overview/conditions";
import { useGroups } from "../overview/queries";
import { useNotify } from "../shell/notify";
import { pageLabels } from "../shell/page_labels";
import { ofProduct, type ProductRow, productRows } from "./catalogue";
import { useCatalogue, useLastSeen, useSubscriptions } from "./queries";

const kinds = [
  { value: "all", label: "All products" },
  { value: "findings", label: "With findings" },
  { value: "enabled", label: "Enabled" },
  { value: "unknown", label: "Not in the catalogue" },
] as const;

type Kind = (typeof kinds)[number]["value"];

const isKind: Record<Kind, (r: ProductRow) => boolean> = {
  all: () => true,
  findings: (r) => r.findings > 0,
  enabled: (r) => r.subscription !== undefined,
  unknown: (r) => !r.known,
};

/** Products that findings come from: the catalogue, what is subscribed to, and what came. */
export default function ProductsPage() {
  const hub = useHub();
  const notify = useNotify();
  const cache = useQueryClient();
  const catalogue = useCatalogue();
  const subscriptions = useSubscriptions();
  const byProduct = [{ Attribute: "ProductArn", MaxResults: 1000 }];
  const counts = useGroups("", byProduct);
  const recent = useGroups(within("CreatedAt", 7), byProduct);
  const [kind, setKind] = useState<Kind>("all");
  const [disabling, setDisabling] = useState<ProductRow>();

  const change = useMutation({
    mutationFn: async (row: ProductRow) => {
      if (row.subscription === undefined) {
        await hub.send(new EnableImportFindingsForProductCommand({ ProductArn: row.arn }));
      } else {
        await hub.send(new DisableImportFindingsForProductCommand({ ProductSubscriptionArn: row.subscription }));
      }
    },
    onSuccess: (_, row) => {
      notify({ type: "success", content: `${row.name} was ${row.subscription === undefined ? "enabled" : "disabled"}.` });
      setDisabling(undefined);
    },
    onSettled: () => cache.invalidateQueries({ queryKey: [...hub.cacheKey, "subscriptions"] }),
  });

  const rows = useMemo(
    () => productRows(catalogue.data ?? [], subscriptions.data ?? [], counts.data?.Groups[0]?.Values ?? [], recent.data?.Groups[0]?.Values ?? []),
    [catalogue.data, subscriptions.data, counts.data, recent.data],
  );
  const shown = useMemo(() => rows.filter(isKind[kind]), [rows, kind]);
  const { items, collectionProps, filterProps, paginationProps, filteredItemsCount } = useCollection(shown, {
    filtering: {
      fields: ["name", "company", "id", "description"],
      empty: "No products.",
      noMatch: (
        <Box textAlign="center">
          <Box>No product matches.</Box>
        </Box>
      ),
    },
    sorting: {},
    pagination: { pageSize: 20 },
  });
  const failed = [catalogue, subscriptions, counts, recent].filter((q) => q.isError);
  const loading = catalogue.isPending || subscriptions.isPending || counts.isPending;

  return (
    <ContentLayout header={<Header variant="h1">Products</Header>}>
      <SpaceBetween size="l">
        {failed[0] !== undefined && (
          <Failure error={failed[0].error} what="Not everything could be loaded" retry={() => failed.forEach((q) => void q.refetch())} />
        )}
        {change.isError && disabling === undefined && <Failure error={change.error} what={`${change.variables.name} could not be changed`} retry={() => change.mutate(change.variables)} />}
        <Table
          {...collectionProps}
          header={
            <Header
              variant="h2"
              counter={loading ? undefined : `(${rows.length})`}
              description={
                hub.session.info.Profile === "open"
                  ? "This hub takes findings of products that are not enabled too. Tools that look first, as Prowler does, want theirs to be enabled."
                  : "Findings are taken of enabled products alone."
              }
            >
              Catalogue
            </Header>
          }
          items={items}
          loading={loading}
          loadingText="Loading products"
          trackBy="id"
          ariaLabels={{ tableLabel: "Products" }}
          filter={
            <SpaceBetween direction="horizontal" size="s">
              <TextFilter
                {...filterProps}
                filteringPlaceholder="Find a product"
                filteringAriaLabel="Find a product"
                countText={`${filteredItemsCount ?? 0} products`}
              />
              <Select
                ariaLabel="Which products"
                selectedOption={kinds.find((k) => k.value === kind) ?? null}
                options={kinds}
                onChange={({ detail }) => setKind(kinds.find((k) => k.value === detail.selectedOption.value)?.value ?? "all")}
              />
            </SpaceBetween>
          }
          pagination={<Pagination {...paginationProps} ariaLabels={pageLabels} />}
          columnDefinitions={[
            {
              id: "name",
              header: "Product",
              sortingField: "name",
              isRowHeader: true,
              cell: (r) => harmless(r.name),
            },
            { id: "company", header: "Company", sortingField: "company", cell: (r) => r.company || "–" },
            {
              id: "state",
              header: "Import",
              cell: (r) => (
                <Import
                  row={r}
                  busy={change.isPending && change.variables.id === r.id}
                  blocked={change.isPending}
                  onEnable={() => change.mutate(r)}
                  onDisable={() => {
                    change.reset();
                    setDisabling(r);
                  }}
                />
              ),
            },
            {
              id: "findings",
              header: "Findings",
              sortingField: "findings",
              cell: (r) => (r.findings === 0 ? "0" : <Link href={findingsHref(ofProduct(r))} ariaLabel={`${r.findings} findings of ${r.name}`}>{r.findings.toLocaleString("en")}</Link>),
            },
            {
              id: "recent",
              header: "New in 7 days",
              sortingField: "recent",
              cell: (r) =>
                r.recent === 0 ? (
                  "0"
                ) : (
                  <Link href={findingsHref(all(ofProduct(r), within("CreatedAt", 7)))} ariaLabel={`${r.recent} findings of ${r.name} that are new in 7 days`}>
                    {r.recent.toLocaleString("en")}
                  </Link>
                ),
            },
            { id: "seen", header: "Last finding seen", cell: (r) => <LastSeen row={r} /> },
          ]}
        />
      </SpaceBetween>
      {disabling !== undefined && (
        <Modal
          visible
          header={`Disable ${disabling.name}?`}
          closeAriaLabel="Close"
          onDismiss={() => setDisabling(undefined)}
          footer={
            <Box float="right">
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="link" onClick={() => setDisabling(undefined)}>
                  Cancel
                </Button>
                <Button variant="primary" loading={change.isPending} onClick={() => change.mutate(disabling)}>
                  Disable
                </Button>
              </SpaceBetween>
            </Box>
          }
        >
          <SpaceBetween size="m">
            {change.isError && <Failure error={change.error} what="It could not be disabled" />}
            <span>
              {hub.session.info.Profile === "open"
                ? "Its findings stay. This hub goes on taking new ones, but tools that look whether their product is enabled will not send any."
                : "Its findings stay. New ones are refused until the product is enabled again."}
            </span>
          </SpaceBetween>
        </Modal>
      )}
    </ContentLayout>
  );
}

interface ImportProps {
  row: ProductRow;
  busy: boolean;
  blocked: boolean;
  onEnable: () => void;
  onDisable: () => void;
}

/** Whether findings are imported from a product, and the button that changes it. */
function Import({ row, busy, blocked, onEnable, onDisable }: ImportProps) {
  if (row.subscription !== undefined) {
    return (
      <SpaceBetween direction="horizontal" size="xs">
        <StatusIndicator type="success">Enabled</StatusIndicator>
        <Button variant="inline-link" disabled={blocked} ariaLabel={`Disable ${row.name}`} onClick={onDisable}>
          Disable
        </Button>
      </SpaceBetween>
    );
  }
  if (!row.known || !row.sends) {
    return <Box color="text-body-secondary">{row.known ? "Only receives findings" : "Not in the catalogue"}</Box>;
  }
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <StatusIndicator type="stopped">Not enabled</StatusIndicator>
      <Button variant="inline-link" loading={busy} disabled={blocked} ariaLabel={`Enable ${row.name}`} onClick={onEnable}>
        Enable
      </Button>
    </SpaceBetween>
  );
}

function LastSeen({ row }: { row: ProductRow }) {
  const seen = useLastSeen(ofProduct(row), row.findings > 0);
  if (row.findings === 0) {
    return "–";
  }
  return seen.isError ? "unknown" : seen.data === undefined ? "…" : <Moment at={seen.data ?? undefined} />;
}
