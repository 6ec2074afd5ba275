import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ButtonDropdown from "@cloudscape-design/components/button-dropdown";
import CollectionPreferences from "@cloudscape-design/components/collection-preferences";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table from "@cloudscape-design/components/table";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { useNotify } from "../shell/notify";
import { Change } from "./change";
import type { Changes } from "./changes";
import { columns } from "./columns";
import { download, type Format } from "./download";
import { Facets } from "./facets";
import { FilterControl, fromWhere, toWhere } from "./filter";
import { anyOf, type Finding, keyOf } from "./finding";
import { pageSizes, type Preferences, usePreferences } from "./preferences";
import { useFacets, useFindings } from "./queries";
import { Running } from "./running";
import { SaveView, useViewMenu } from "./views";
import { searchOf, useView, type View } from "./view";

/** Which findings are meant by a change. */
type Chosen = "all" | readonly Finding[];

export default function FindingsPage() {
  const hub = useHub();
  const navigate = useNavigate();
  const { search } = useLocation();
  const [view, setView] = useView();
  const where = toWhere(view.condition);
  const [preferences, setPreferences] = usePreferences();
  const findings = useFindings(view, preferences.pageSize);
  const counts = useFacets(where);
  const [pageIndex, setPageIndex] = useState(0);
  const [selected, setSelected] = useState<readonly Finding[]>([]);
  const [everyMatch, setEveryMatch] = useState(false);
  const [changing, setChanging] = useState<{ of: Chosen; initial: Changes }>();
  const [jobId, setJobId] = useState<string>();
  const [naming, setNaming] = useState(false);

  const question = `${hub.cacheKey.join(" ")} ${where} ${view.sort} ${view.descending} ${preferences.pageSize}`;
  const asked = useRef(question);
  useEffect(() => {
    if (asked.current !== question) {
      asked.current = question;
      setPageIndex(0);
      setSelected([]);
      setEveryMatch(false);
    }
  }, [question]);

  const pages = useMemo(() => findings.data?.pages ?? [], [findings.data]);
  const items = useMemo(() => pages[Math.min(pageIndex, pages.length - 1)]?.Findings ?? [], [pages, pageIndex]);
  const total = counts.data?.Count;
  const shown = columns.filter((c) => preferences.columns.includes(c.id));
  const chosen: Chosen = everyMatch ? "all" : selected;
  const count = everyMatch ? total : selected.length;
  const some = count !== 0;
  const wholePage = items.length > 0 && selected.length >= items.length;
  const change = (initial: Changes) => setChanging({ of: chosen, initial });
  const viewMenu = useViewMenu(search, () => setNaming(true));
  const exporting = useDownload(where, view);

  const goTo = async (index: number) => {
    if (index >= pages.length) {
      const { data } = await findings.fetchNextPage();
      if (index >= (data?.pages.length ?? 0)) {
        return; // it could not be had: what is shown stays
      }
    }
    setPageIndex(index);
    setSelected([]);
  };

  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          counter={total === undefined ? "" : `(${total.toLocaleString("en")})`}
          description="What scanners and services have reported, and what became of it."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button
                iconName="refresh"
                ariaLabel="Ask again"
                loading={findings.isFetching && !findings.isFetchingNextPage}
                onClick={() => {
                  setPageIndex(0);
                  void findings.refetch();
                  void counts.refetch();
                }}
              />
              <ButtonDropdown items={viewMenu.items} onItemClick={({ detail }) => viewMenu.choose(detail.id)}>
                Views
              </ButtonDropdown>
              <ButtonDropdown
                loading={exporting.busy}
                items={[
                  { id: "ndjson", text: "NDJSON", description: "Every finding as it is kept, one a line" },
                  { id: "csv", text: "CSV", description: "The columns shown" },
                ]}
                onItemClick={({ detail }) => exporting.start(detail.id as Format, shown.map((c) => c.id))}
              >
                Export
              </ButtonDropdown>
              <ButtonDropdown
                items={[
                  { id: "insight", text: "Create insight", href: `/console/insights/new?${new URLSearchParams({ where })}` },
                  { id: "rule", text: "Create automation rule", href: `/console/rules/new?${new URLSearchParams({ where })}` },
                ]}
              >
                Create
              </ButtonDropdown>
              <ButtonDropdown
                variant="primary"
                disabled={!some}
                items={[
                  ...["NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"].map((status) => ({ id: status, text: `Set workflow status ${status.charAt(0)}${status.slice(1).toLowerCase()}` })),
                  { id: "note", text: "Add a note" },
                  { id: "other", text: "Change other members" },
                ]}
                onItemClick={({ detail }) => change(detail.id === "note" ? { note: "" } : detail.id === "other" ? {} : { workflow: detail.id })}
              >
                Change
              </ButtonDropdown>
            </SpaceBetween>
          }
        >
          Findings
        </Header>
      }
    >
      <SpaceBetween size="m">
        {jobId !== undefined && <Running jobId={jobId} onAnother={(j) => setJobId(j.JobId)} onDismiss={() => setJobId(undefined)} />}
        <FilterControl
          value={view.condition}
          onChange={(condition) => setView({ ...view, condition })}
          loading={counts.isFetching}
          {...(total === undefined ? {} : { countText: `${total.toLocaleString("en")} ${total === 1 ? "match" : "matches"}` })}
        />
        {findings.isError && <Failure error={findings.error} what="The findings could not be had" retry={() => void findings.refetch()} />}
        {counts.isError && !findings.isError && <Failure error={counts.error} what="The counts could not be had" retry={() => void counts.refetch()} />}
        <div className="findings-beside">
          <Facets condition={view.condition} counts={counts.data} onChange={(condition) => setView({ ...view, condition })} />
          <SpaceBetween size="xs">
            <div aria-live="polite">
              {wholePage && !everyMatch && total !== undefined && total > selected.length && (
                <Box textAlign="center">
                  All {selected.length} findings of this page are selected.{" "}
                  <Button variant="inline-link" onClick={() => setEveryMatch(true)}>
                    Select all {total.toLocaleString("en")} that match
                  </Button>
                </Box>
              )}
              {everyMatch && (
                <Box textAlign="center">
                  All {total?.toLocaleString("en")} findings that match are selected.{" "}
                  <Button
                    variant="inline-link"
                    onClick={() => {
                      setEveryMatch(false);
                      setSelected([]);
                    }}
                  >
                    Select none
                  </Button>
                </Box>
              )}
            </div>
            <Table<Finding>
              items={items}
              trackBy={keyOf}
              columnDefinitions={columns}
              columnDisplay={columns.map((c) => ({ id: c.id, visible: preferences.columns.includes(c.id) }))}
              loading={findings.isLoading}
              loadingText="Asking for findings"
              variant="container"
              stickyHeader
              resizableColumns
              enableKeyboardNavigation
              wrapLines={preferences.wrapLines}
              contentDensity={preferences.density}
              selectionType="multi"
              selectedItems={everyMatch ? items : selected}
              onSelectionChange={({ detail }) => {
                setEveryMatch(false);
                setSelected(detail.selectedItems);
              }}
              sortingColumn={columns.find((c) => c.sortingField === view.sort) ?? { sortingField: view.sort }}
              sortingDescending={view.descending}
              onSortingChange={({ detail }) => setView({ ...view, sort: detail.sortingColumn.sortingField ?? "UpdatedAt", descending: detail.isDescending ?? false })}
              ariaLabels={{
                tableLabel: "Findings",
                selectionGroupLabel: "Selection",
                allItemsSelectionLabel: ({ selectedItems }) => (selectedItems.length > 0 ? "Select none of this page" : "Select all of this page"),
                itemSelectionLabel: (_, f) => `Select ${f.Title ?? f.Id ?? ""}`,
                resizerRoleDescription: "resize button",
              }}
              empty={
                <Box textAlign="center" padding="l">
                  <SpaceBetween size="s">
                    <b>{where === "" ? "There are no findings here yet" : "No finding matches"}</b>
                    {where === "" ? (
                      <Button href="/console/welcome">Send the first finding</Button>
                    ) : (
                      <Button onClick={() => setView({ ...view, condition: fromWhere("") })}>Clear the filter</Button>
                    )}
                  </SpaceBetween>
                </Box>
              }
              pagination={
                <Pagination
                  currentPageIndex={pageIndex + 1}
                  pagesCount={Math.max(1, pages.length)}
                  openEnd={findings.hasNextPage}
                  disabled={findings.isFetchingNextPage}
                  onChange={({ detail }) => void goTo(detail.currentPageIndex - 1)}
                  ariaLabels={{ nextPageLabel: "Next page", previousPageLabel: "Previous page", pageLabel: (n) => `Page ${n}` }}
                />
              }
              preferences={<TablePreferences value={preferences} onChange={setPreferences} />}
            />
          </SpaceBetween>
        </div>
      </SpaceBetween>
      {changing !== undefined && (
        <Change
          where={changing.of === "all" ? where : anyOf(changing.of)}
          what={changing.of === "all" ? "all findings that match" : `${changing.of.length} selected ${changing.of.length === 1 ? "finding" : "findings"}`}
          initial={changing.initial}
          onDismiss={() => setChanging(undefined)}
          onStarted={(job) => {
            setChanging(undefined);
            setSelected([]);
            setEveryMatch(false);
            setJobId(job.JobId);
          }}
        />
      )}
      {naming && <SaveView search={searchOf(view).toString()} onDone={() => setNaming(false)} onOpen={(s) => void navigate(`/findings?${s}`)} />}
    </ContentLayout>
  );
}

/** Saving what matches as a file. */
function useDownload(where: string, view: View) {
  const hub = useHub();
  const notify = useNotify();
  const leaving = useRef<AbortController>(undefined);
  useEffect(() => () => leaving.current?.abort(), []);
  const save = useMutation({
    mutationFn: ({ format, ids }: { format: Format; ids: readonly string[] }) => {
      leaving.current = new AbortController();
      return download(hub, where, format, columns.filter((c) => ids.includes(c.id)), leaving.current.signal);
    },
    onSuccess: (done, { format }) => done && notify({ type: "success", header: "Exported", content: `Every finding that matched is in findings.${format}, in an order of its own (not by ${view.sort}).` }),
    onError: (error) => notify({ type: "error", header: "The export did not end well", content: error instanceof Error ? error.message : String(error) }),
  });
  return { busy: save.isPending, start: (format: Format, ids: readonly string[]) => save.mutate({ format, ids }) };
}

function TablePreferences({ value, onChange }: { value: Preferences; onChange: (p: Preferences) => void }) {
  return (
    <CollectionPreferences
      title="Preferences"
      confirmLabel="Confirm"
      cancelLabel="Cancel"
      preferences={{
        pageSize: value.pageSize,
        wrapLines: value.wrapLines,
        contentDensity: value.density,
        contentDisplay: columns.map((c) => ({ id: c.id, visible: value.columns.includes(c.id) })),
      }}
      pageSizePreference={{ title: "Findings a page", options: pageSizes.map((n) => ({ value: n, label: `${n}` })) }}
      wrapLinesPreference={{ label: "Wrap lines", description: "Show all of each cell" }}
      contentDensityPreference={{ label: "Compact", description: "Show more rows" }}
      contentDisplayPreference={{ title: "Columns", options: columns.map((c) => ({ id: c.id, label: c.header, alwaysVisible: c.id === "title" })) }}
      onConfirm={({ detail }) =>
        onChange({
          pageSize: detail.pageSize ?? value.pageSize,
          wrapLines: detail.wrapLines ?? value.wrapLines,
          density: detail.contentDensity ?? value.density,
          columns: (detail.contentDisplay ?? []).filter((c) => c.visible).map((c) => c.id),
        })
      }
    />
  );
}
