import { type AutomationRulesFindingFilters, CreateAutomationRuleCommand } from "@aws-sdk/client-securityhub";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import Textarea from "@cloudscape-design/components/textarea";
import Toggle from "@cloudscape-design/components/toggle";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { fromWhere } from "../findings/filter";
import { findingHref } from "../findings/link";
import { useNotify } from "../shell/notify";
import { ActionForm } from "./action_form";
import { type ActionFields, actionsOf, checkFields, fieldsOf, noFields } from "./actions";
import { draftOf, type FilterDraft, FilterField, filtersOf } from "./filter_field";
import { useRule, useRules, useTry, useUpdateRules } from "./hooks";
import { rulesHref } from "./links";
import { highestOrder, lowestOrder, nextOrder } from "./order";
import { criteriaAttributes } from "./queries";
import { TrialResult } from "./trial";

interface RuleDraft {
  arn: string | undefined;
  name: string;
  description: string;
  order: string;
  enabled: boolean;
  terminal: boolean;
  filter: FilterDraft;
  fields: ActionFields;
  /** The action as it is kept, for what the form has no place for. */
  kept: Parameters<typeof actionsOf>[1];
}

/** Makes a rule, or changes one. */
export function RuleEditor() {
  const [search] = useSearchParams();
  const arn = search.get("arn") ?? undefined;
  return arn === undefined ? <NewRule where={search.get("where") ?? ""} /> : <KeptRule arn={arn} />;
}

function Loading() {
  return (
    <Box padding="xxl" textAlign="center">
      <Spinner /> Loading
    </Box>
  );
}

function NewRule({ where }: { where: string }) {
  const rules = useRules();
  if (rules.isPending) {
    return <Loading />;
  }
  // Where the list cannot be had, the form can be filled in all the same.
  const order = `${nextOrder(rules.data ?? [])}`;
  const begin = { arn: undefined, name: "", description: "", order, enabled: true, terminal: false, filter: { condition: fromWhere(where) }, fields: noFields, kept: undefined };
  return <Editor begin={begin} />;
}

function KeptRule({ arn }: { arn: string }) {
  const rule = useRule(arn);
  if (rule.isPending) {
    return <Loading />;
  }
  const r = rule.data;
  if (r == null) {
    return <Failure error={rule.error ?? new Error("There is no such rule.")} what="The rule could not be loaded" retry={() => void rule.refetch()} />;
  }
  return (
    <Editor
      begin={{
        arn,
        name: r.RuleName ?? "",
        description: r.Description ?? "",
        order: `${r.RuleOrder ?? lowestOrder}`,
        enabled: r.RuleStatus !== "DISABLED",
        terminal: r.IsTerminal ?? false,
        filter: draftOf(r.Criteria),
        fields: fieldsOf(r.Actions),
        kept: r.Actions,
      }}
    />
  );
}

function Editor({ begin }: { begin: RuleDraft }) {
  const [draft, setDraft] = useState(begin);
  const set = (change: Partial<RuleDraft>) => setDraft((old) => ({ ...old, ...change }));
  const [asked, setAsked] = useState(false);
  const trial = useTry();
  const save = useSave();
  const navigate = useNavigate();
  const notify = useNotify();

  const read = filtersOf(draft.filter);
  const order = Number(draft.order);
  const fieldErrors = checkFields(draft.fields);
  const problems = {
    name: draft.name.trim() === "" ? "A name." : [...draft.name].length > 256 ? "At most 256 characters." : undefined,
    description: draft.description.trim() === "" ? "A sentence on what it is for." : [...draft.description].length > 1024 ? "At most 1,024 characters." : undefined,
    order: Number.isInteger(order) && order >= lowestOrder && order <= highestOrder ? undefined : `A whole number from ${lowestOrder} to ${highestOrder}.`,
  };
  const whole = "filters" in read && Object.keys(fieldErrors).length === 0;
  const rule = { Criteria: ("filters" in read ? read.filters : {}) as AutomationRulesFindingFilters, Actions: actionsOf(draft.fields, draft.kept) };

  const submit = () => {
    setAsked(true);
    if (whole && Object.values(problems).every((p) => p === undefined)) {
      save.mutate(
        { ...draft, ...rule, RuleOrder: order },
        {
          onSuccess: () => {
            notify({ type: "success", content: `The rule ${draft.name} was ${draft.arn === undefined ? "made" : "changed"}. It acts on what is imported from now on.` });
            void navigate("/rules");
          },
        },
      );
    }
  };
  return (
    <ContentLayout header={<Header variant="h1">{draft.arn === undefined ? "Create automation rule" : "Edit automation rule"}</Header>}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          submit();
        }}
      >
        <Form
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" formAction="none" href={rulesHref}>
                Cancel
              </Button>
              <Button variant="primary" loading={save.isPending}>
                {draft.arn === undefined ? "Create rule" : "Save"}
              </Button>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            {save.isError && <Failure error={save.error} what="The rule could not be kept" />}
            <Container header={<Header variant="h2">The rule</Header>}>
              <SpaceBetween size="m">
                <ColumnLayout columns={2}>
                  <FormField label="Name" errorText={asked ? problems.name : undefined}>
                    <Input value={draft.name} onChange={({ detail }) => set({ name: detail.value })} />
                  </FormField>
                  <FormField label="Order" description="Rules act from the lowest number to the highest." errorText={asked ? problems.order : undefined}>
                    <Input value={draft.order} inputMode="numeric" onChange={({ detail }) => set({ order: detail.value.trim() })} />
                  </FormField>
                </ColumnLayout>
                <FormField label="Description" errorText={asked ? problems.description : undefined}>
                  <Textarea value={draft.description} rows={2} onChange={({ detail }) => set({ description: detail.value })} />
                </FormField>
                <Toggle checked={draft.enabled} onChange={({ detail }) => set({ enabled: detail.checked })}>
                  Enabled
                </Toggle>
                <Checkbox checked={draft.terminal} onChange={({ detail }) => set({ terminal: detail.checked })} description="No rule after it acts on a finding that it acted on.">
                  Last to act
                </Checkbox>
              </SpaceBetween>
            </Container>
            <Container header={<Header variant="h2">Criteria</Header>}>
              <FilterField
                label="Which findings"
                description="Without criteria the rule acts on every finding. Values of one attribute are alternatives."
                attributes={criteriaAttributes}
                draft={draft.filter}
                onChange={(filter) => set({ filter })}
                error={"problem" in read ? read.problem : undefined}
              />
            </Container>
            <Container header={<Header variant="h2" description="What the rule sets, as if you had set it yourself. What the next report says does not undo it.">Action</Header>}>
              <ActionForm fields={draft.fields} errors={asked ? fieldErrors : {}} onChange={(fields) => set({ fields })} />
            </Container>
            <Container
              header={
                <Header
                  variant="h2"
                  description="What the rule would change of what is stored. Nothing is changed by looking."
                  actions={
                    <Button
                      formAction="none"
                      loading={trial.isPending}
                      onClick={() => {
                        setAsked(true);
                        if (whole) {
                          trial.mutate({ Rule: rule });
                        }
                      }}
                    >
                      Try it out
                    </Button>
                  }
                >
                  Try-out
                </Header>
              }
            >
              {trial.isError ? (
                <Failure error={trial.error} what="The rule could not be tried" />
              ) : trial.data !== undefined ? (
                <TrialResult trial={trial.data} findingHref={findingHref} />
              ) : (
                <Box color="text-body-secondary">Not tried yet.</Box>
              )}
            </Container>
          </SpaceBetween>
        </Form>
      </form>
    </ContentLayout>
  );
}

type Saved = RuleDraft & { RuleOrder: number; Criteria: AutomationRulesFindingFilters; Actions: ReturnType<typeof actionsOf> };

function useSave() {
  const hub = useHub();
  const cache = useQueryClient();
  const update = useUpdateRules();
  return useMutation({
    mutationFn: async ({ arn, name, description, enabled, terminal, RuleOrder, Criteria, Actions }: Saved) => {
      const common = {
        RuleName: name.trim(), Description: description, RuleOrder, Criteria, Actions, IsTerminal: terminal,
        RuleStatus: enabled ? ("ENABLED" as const) : ("DISABLED" as const),
      };
      if (arn === undefined) {
        await hub.send(new CreateAutomationRuleCommand(common));
      } else {
        await update.mutateAsync([{ RuleArn: arn, ...common }]);
      }
    },
    onSettled: () => cache.invalidateQueries({ queryKey: [...hub.cacheKey, "rules"] }),
  });
}
