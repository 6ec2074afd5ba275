import type { AutomationRulesMetadata } from "@aws-sdk/client-securityhub";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useState } from "react";
import { useNavigate } from "react-router";
import { Failure } from "../api/failure";
import { Confirm } from "../shell/confirm";
import { useNotify } from "../shell/notify";
import { pageLabels } from "../shell/page_labels";
import { useDeleteRule, useRules, useSteer, useUpdateRules, useJob } from "./hooks";
import { editRuleHref, rulesHref } from "./links";
import { type RuleAct, RuleList } from "./list";
import { move, type OrderedRule, reorder } from "./order";
import { JobProgress } from "./progress";
import { TryOut } from "./try_out";

/** How many rules one page shows. */
const pageSize = 100;

export function RulesPage() {
  const rules = useRules();
  const update = useUpdateRules();
  const remove = useDeleteRule();
  const notify = useNotify();
  const navigate = useNavigate();
  const [find, setFind] = useState("");
  const [page, setPage] = useState(1);
  const [trying, setTrying] = useState<{ rule: AutomationRulesMetadata; run: boolean }>();
  const [deleting, setDeleting] = useState<AutomationRulesMetadata>();
  const [job, setJob] = useState<{ id: string; title: string }>();
  // The order as it was wished, until the hub tells its own.
  const [wished, setWished] = useState<readonly AutomationRulesMetadata[]>();

  const all = wished ?? rules.data ?? [];
  const text = find.trim().toLowerCase();
  const found = text === "" ? all : all.filter((r) => `${r.RuleName} ${r.Description}`.toLowerCase().includes(text));
  const shown = found.slice((page - 1) * pageSize, page * pageSize);
  const pages = Math.max(1, Math.ceil(found.length / pageSize));

  const moveRule = (from: number, to: number) => {
    const offset = (page - 1) * pageSize;
    const sequence = move(all, offset + from, offset + to);
    const ordered: OrderedRule[] = sequence.map((r) => ({ RuleArn: r.RuleArn ?? "", RuleOrder: r.RuleOrder ?? 1 }));
    const edits = reorder(ordered, offset + to);
    if (edits.length === 0) {
      return;
    }
    setWished(sequence.map((r) => ({ ...r, RuleOrder: edits.find((e) => e.RuleArn === r.RuleArn)?.RuleOrder ?? r.RuleOrder })));
    update.mutate(edits, {
      onSuccess: () => notify({ type: "success", content: `${sequence[offset + to]?.RuleName ?? "The rule"} acts at place ${offset + to + 1} now.` }),
      onSettled: () => setWished(undefined),
    });
  };
  const act = (what: RuleAct, rule: AutomationRulesMetadata) => {
    const arn = rule.RuleArn ?? "";
    switch (what) {
      case "edit":
        void navigate(editRuleHref(arn).slice("/console".length));
        break;
      case "try":
      case "run":
        setTrying({ rule, run: what === "run" });
        break;
      case "enable":
      case "disable":
        update.mutate([{ RuleArn: arn, RuleStatus: what === "enable" ? "ENABLED" : "DISABLED" }], {
          onSuccess: () => notify({ type: "success", content: `${rule.RuleName ?? "The rule"} was ${what}d.` }),
        });
        break;
      case "delete":
        remove.reset();
        setDeleting(rule);
    }
  };

  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          counter={rules.data && `(${rules.data.length})`}
          description="Rules change findings as they come in: those that meet a rule's criteria get the fields of its action. They act from the top; a rule that is last to act ends it for its findings."
          actions={
            <Button variant="primary" href={`${rulesHref}/new`}>
              Create rule
            </Button>
          }
        >
          Automation rules
        </Header>
      }
    >
      <SpaceBetween size="l">
        {rules.isError && <Failure error={rules.error} what="The rules could not be loaded" retry={() => void rules.refetch()} />}
        {update.isError && <Failure error={update.error} what="The rules could not be changed" retry={() => update.mutate(update.variables)} />}
        {job !== undefined && <RunningJob id={job.id} title={job.title} onFollow={setJob} onClose={() => setJob(undefined)} />}
        <Container>
          {rules.isPending ? (
            <Box padding="xxl" textAlign="center">
              <Spinner /> Loading rules
            </Box>
          ) : all.length === 0 ? (
            !rules.isError && (
              <Box padding="xl" textAlign="center">
                <SpaceBetween size="s">
                  <Box variant="strong">No rules yet</Box>
                  <Box color="text-body-secondary">A rule can suppress what is known, raise what matters, or say whose it is.</Box>
                  <Button href={`${rulesHref}/new`}>Create rule</Button>
                </SpaceBetween>
              </Box>
            )
          ) : (
            <SpaceBetween size="m">
              <SpaceBetween direction="horizontal" size="m">
                <TextFilter
                  filteringText={find}
                  filteringPlaceholder="Find a rule"
                  filteringAriaLabel="Find a rule"
                  countText={text === "" ? "" : `${found.length} rules`}
                  onChange={({ detail }) => {
                    setFind(detail.filteringText);
                    setPage(1);
                  }}
                />
                {pages > 1 && <Pagination ariaLabels={pageLabels} currentPageIndex={page} pagesCount={pages} onChange={({ detail }) => setPage(detail.currentPageIndex)} />}
              </SpaceBetween>
              <RuleList rules={shown} fixed={text !== "" || update.isPending || shown.length < 2} editHref={editRuleHref} onMove={moveRule} onAct={act} />
            </SpaceBetween>
          )}
        </Container>
      </SpaceBetween>
      {trying !== undefined && (
        <TryOut
          name={trying.rule.RuleName ?? ""}
          rule={{ RuleArn: trying.rule.RuleArn ?? "" }}
          run={trying.run}
          onStarted={(started) => {
            setTrying(undefined);
            setJob({ id: started.JobId, title: `Running ${trying.rule.RuleName ?? "the rule"}` });
          }}
          onClose={() => setTrying(undefined)}
        />
      )}
      {deleting !== undefined && (
        <Confirm
          title={`Delete ${deleting.RuleName ?? "the rule"}?`}
          action="Delete"
          busy={remove.isPending}
          error={remove.isError && <Failure error={remove.error} what="It could not be deleted" />}
          onConfirm={() =>
            remove.mutate(deleting.RuleArn ?? "", {
              onSuccess: () => {
                notify({ type: "success", content: `${deleting.RuleName ?? "The rule"} was deleted.` });
                setDeleting(undefined);
              },
            })
          }
          onClose={() => setDeleting(undefined)}
        >
          The rule acts no more. What it changed in findings stays.
        </Confirm>
      )}
    </ContentLayout>
  );
}

interface RunningJobProps {
  id: string;
  title: string;
  onFollow: (job: { id: string; title: string }) => void;
  onClose: () => void;
}

function RunningJob({ id, title, onFollow, onClose }: RunningJobProps) {
  const job = useJob(id);
  const steer = useSteer();
  if (job.isError) {
    return <Failure error={job.error} what="How the job stands could not be asked" retry={() => void job.refetch()} />;
  }
  if (job.data === undefined) {
    return (
      <Box padding="s">
        <Spinner /> {title}
      </Box>
    );
  }
  return (
    <SpaceBetween size="xs">
      {steer.isError && <Failure error={steer.error} what={steer.variables.what === "undo" ? "The job could not be taken back" : "The job could not be stopped"} />}
      <JobProgress
        job={job.data}
        title={title}
        busy={steer.isPending}
        onCancel={() => steer.mutate({ id, what: "cancel" })}
        onUndo={() =>
          steer.mutate(
            { id, what: "undo" },
            { onSuccess: (next) => onFollow({ id: next.JobId, title: title.startsWith("Taking back: ") ? title.slice("Taking back: ".length) : `Taking back: ${title}` }) },
          )
        }
        onDismiss={onClose}
      />
    </SpaceBetween>
  );
}
