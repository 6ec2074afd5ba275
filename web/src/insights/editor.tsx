import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { attributes, inWords } from "../findings/attributes";
import { type Filters, fromWhere } from "../findings/filter";
import type { Groups } from "../overview/queries";
import { draftOf, type FilterDraft, FilterField, filtersOf } from "../rules/filter_field";
import { useNotify } from "../shell/notify";
import { insightHref, insightsHref, resultHref } from "./links";
import { type InsightDraft, useInsight, useSaveInsight } from "./queries";
import { Results } from "./results";

/** Attributes whose values can be counted: maps and the keyword have none of their own. */
const countable = Object.entries(attributes)
  .filter(([, kind]) => kind !== "map" && kind !== "keyword")
  .map(([value]) => ({ value, label: inWords(value), description: value }));

/** Makes an insight, or changes one. */
export function InsightEditor() {
  const [search] = useSearchParams();
  const arn = search.get("arn") ?? undefined;
  return arn === undefined ? <Editor arn={undefined} name="" groupBy="" filter={{ condition: fromWhere(search.get("where") ?? "") }} /> : <Loaded arn={arn} />;
}

function Loaded({ arn }: { arn: string }) {
  const insight = useInsight(arn);
  if (insight.isPending) {
    return (
      <Box padding="xxl" textAlign="center">
        <Spinner /> Loading the insight
      </Box>
    );
  }
  if (insight.data == null) {
    return <Failure error={insight.error ?? new Error("There is no such insight.")} what="The insight could not be loaded" retry={() => void insight.refetch()} />;
  }
  const { Name = "", GroupByAttribute = "", Filters } = insight.data;
  return <Editor arn={arn} name={Name} groupBy={GroupByAttribute} filter={draftOf(Filters)} />;
}

interface EditorProps {
  arn: string | undefined;
  name: string;
  groupBy: string;
  filter: FilterDraft;
}

function Editor({ arn, ...begin }: EditorProps) {
  const [name, setName] = useState(begin.name);
  const [groupBy, setGroupBy] = useState(begin.groupBy);
  const [filter, setFilter] = useState(begin.filter);
  const [asked, setAsked] = useState(false);
  const save = useSaveInsight(arn);
  const notify = useNotify();
  const navigate = useNavigate();

  const read = filtersOf(filter);
  const problems = {
    name: name.trim() === "" ? "A name." : [...name].length > 128 ? "At most 128 characters." : undefined,
    groupBy: groupBy === "" ? "Choose what is counted by." : undefined,
    filter: "problem" in read ? read.problem : undefined,
  };
  const submit = () => {
    setAsked(true);
    if (problems.name === undefined && problems.groupBy === undefined && "filters" in read) {
      const draft: InsightDraft = { name: name.trim(), groupBy, filters: read.filters };
      save.mutate(draft, {
        onSuccess: (saved) => {
          notify({ type: "success", content: arn === undefined ? `The insight ${draft.name} was made.` : `The insight ${draft.name} was changed.` });
          void navigate(insightHref(saved).slice("/console".length));
        },
      });
    }
  };
  return (
    <ContentLayout header={<Header variant="h1">{arn === undefined ? "Create insight" : "Edit insight"}</Header>}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          submit();
        }}
      >
        <Form
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" formAction="none" href={arn === undefined ? insightsHref : insightHref(arn)}>
                Cancel
              </Button>
              <Button variant="primary" loading={save.isPending}>
                {arn === undefined ? "Create insight" : "Save"}
              </Button>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            {save.isError && <Failure error={save.error} what="The insight could not be kept" />}
            <Container header={<Header variant="h2">The question</Header>}>
              <SpaceBetween size="m">
                <FormField label="Name" errorText={asked ? problems.name : undefined}>
                  <Input value={name} onChange={({ detail }) => setName(detail.value)} />
                </FormField>
                <FormField label="Counted by" description="The attribute whose values are counted." errorText={asked ? problems.groupBy : undefined}>
                  <Select
                    filteringType="auto"
                    placeholder="Choose an attribute"
                    filteringPlaceholder="Find an attribute"
                    filteringAriaLabel="Find an attribute"
                    selectedOption={countable.find((o) => o.value === groupBy) ?? null}
                    options={countable}
                    onChange={({ detail }) => setGroupBy(detail.selectedOption.value ?? "")}
                  />
                </FormField>
                <FilterField
                  label="Which findings"
                  description="Without a filter every finding counts. Relative dates mean the moment at which somebody looks."
                  draft={filter}
                  onChange={setFilter}
                  error={problems.filter}
                />
              </SpaceBetween>
            </Container>
            <Container header={<Header variant="h2" description="What the insight would tell now.">Preview</Header>}>
              {groupBy === "" || !("filters" in read) ? (
                <Box color="text-body-secondary">Choose what is counted by.</Box>
              ) : (
                <Preview filters={read.filters} groupBy={groupBy} />
              )}
            </Container>
          </SpaceBetween>
        </Form>
      </form>
    </ContentLayout>
  );
}

function Preview({ filters, groupBy }: { filters: Filters; groupBy: string }) {
  const hub = useHub();
  // Days have no groups at the hub's own route; insights count them all the same, when they are kept.
  const dated = attributes[groupBy as keyof typeof attributes] === "date";
  const counts = useQuery({
    queryKey: [...hub.cacheKey, "insight-preview", filters, groupBy],
    queryFn: ({ signal }) => hub.own<Groups>("POST", "groups", { body: { Filters: filters, Groups: [{ Attribute: groupBy, MaxResults: 100 }] }, signal }),
    enabled: !dated,
    placeholderData: (old) => old,
  });
  if (dated) {
    return <Box color="text-body-secondary">There is no preview by date.</Box>;
  }
  if (counts.isError) {
    return <Failure error={counts.error} what="There is no preview" retry={() => void counts.refetch()} />;
  }
  if (counts.data === undefined) {
    return (
      <Box padding="l" textAlign="center">
        <Spinner /> Counting
      </Box>
    );
  }
  const rows = (counts.data.Groups[0]?.Values ?? []).map((v) => ({ value: v.Value, count: v.Count }));
  return <Results attribute={inWords(groupBy)} rows={rows} href={(value) => resultHref(filters, groupBy, value)} />;
}
