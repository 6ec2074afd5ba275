import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Modal from "@cloudscape-design/components/modal";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { Failure } from "../api/failure";
import { CodeText } from "../code/code_text";
import { inWords } from "../findings/attributes";
import { type Filters, fromFilters, toWhere } from "../findings/filter";
import { findingsHref } from "../findings/link";
import { Confirm } from "../shell/confirm";
import { useNotify } from "../shell/notify";
import { editInsightHref, insightsHref, resultHref } from "./links";
import { isManaged } from "./managed";
import { useActionTargets, useDeleteInsight, useInsight, useInsightResults, useSendToAction } from "./queries";
import { type ResultRow, Results } from "./results";

/** One insight with its results. */
export function InsightPage() {
  const [search] = useSearchParams();
  const arn = search.get("arn") ?? "";
  const insight = useInsight(arn);
  const results = useInsightResults(arn);
  const remove = useDeleteInsight();
  const notify = useNotify();
  const navigate = useNavigate();
  const [deleting, setDeleting] = useState(false);
  const [sending, setSending] = useState(false);
  const [selected, setSelected] = useState<ResultRow[]>([]);
  const custom = !isManaged(arn);
  const one = insight.data;
  const condition = fromFilters(one?.Filters as Filters | undefined);
  const where = condition && toWhere(condition);
  const attribute = one?.GroupByAttribute ?? "";
  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description={one && `${custom ? "A custom" : "A managed"} insight: findings by ${inWords(attribute)}`}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {custom && (
                <Button disabled={one == null} onClick={() => setDeleting(true)}>
                  Delete
                </Button>
              )}
              {custom && (
                <Button disabled={one == null} href={editInsightHref(arn)}>
                  Edit
                </Button>
              )}
              <Button disabled={(results.data?.length ?? 0) === 0} onClick={() => setSending(true)}>
                {selected.length > 0 ? `Send ${selected.length} results to a custom action` : "Send to a custom action"}
              </Button>
            </SpaceBetween>
          }
        >
          {one?.Name ?? "Insight"}
        </Header>
      }
    >
      <SpaceBetween size="l">
        {insight.isError && <Failure error={insight.error} what="The insight could not be loaded" retry={() => void insight.refetch()} />}
        {results.isError && <Failure error={results.error} what="The results could not be loaded" retry={() => void results.refetch()} />}
        {where !== undefined && (
          <Container
            header={
              <Header variant="h2" actions={<Button href={findingsHref(where)}>Show all its findings</Button>}>
                What it counts
              </Header>
            }
          >
            <CodeText name="the insight's filter" text={where === "" ? "all" : where} />
          </Container>
        )}
        <Container header={<Header variant="h2" description="As of now; at most the 100 most frequent values.">{`By ${inWords(attribute)}`}</Header>}>
          {results.isPending ? (
            <Box padding="xxl" textAlign="center">
              <Spinner /> Counting
            </Box>
          ) : (
            <Results
              attribute={inWords(attribute)}
              rows={results.data ?? []}
              href={(value) => resultHref(one?.Filters, attribute, value)}
              selected={selected}
              onSelect={setSelected}
            />
          )}
        </Container>
      </SpaceBetween>
      {deleting && (
        <Confirm
          title={`Delete ${one?.Name ?? "the insight"}?`}
          action="Delete"
          busy={remove.isPending}
          error={remove.isError && <Failure error={remove.error} what="It could not be deleted" />}
          onConfirm={() =>
            remove.mutate(arn, {
              onSuccess: () => {
                notify({ type: "success", content: `The insight ${one?.Name ?? ""} was deleted.` });
                void navigate("/insights");
              },
            })
          }
          onClose={() => {
            remove.reset();
            setDeleting(false);
          }}
        >
          The question is forgotten. Its findings stay.
        </Confirm>
      )}
      {sending && <SendToAction arn={arn} values={selected.length === 0 ? undefined : selected.map((r) => r.value)} onClose={() => setSending(false)} />}
    </ContentLayout>
  );
}

function SendToAction({ arn, values, onClose }: { arn: string; values: string[] | undefined; onClose: () => void }) {
  const targets = useActionTargets();
  const send = useSendToAction();
  const notify = useNotify();
  const [target, setTarget] = useState<string>();
  const [asked, setAsked] = useState(false);
  const options = (targets.data ?? []).map((t) => ({ value: t.ActionTargetArn ?? "", label: t.Name ?? "", description: t.Description ?? "" }));
  return (
    <Modal
      visible
      header="Send to a custom action"
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button
              variant="primary"
              loading={send.isPending}
              onClick={() => {
                setAsked(true);
                if (target !== undefined) {
                  send.mutate(
                    { target, insight: arn, values },
                    {
                      onSuccess: () => {
                        notify({ type: "success", content: "The results were sent." });
                        onClose();
                      },
                    },
                  );
                }
              }}
            >
              Send
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {targets.isError && <Failure error={targets.error} what="The custom actions could not be loaded" retry={() => void targets.refetch()} />}
        {send.isError && <Failure error={send.error} what="The results could not be sent" />}
        {targets.data?.length === 0 ? (
          <Alert type="info" header="There are no custom actions">
            Make one first: aws securityhub create-action-target --name Ticket --description &quot;Opens a ticket&quot; --id Ticket.{" "}
            <Link href={insightsHref}>Back to the insights</Link>
          </Alert>
        ) : (
          <FormField
            label="Custom action"
            description={values === undefined ? "All results are sent, in one event." : `${values.length} results are sent, in one event.`}
            errorText={asked && target === undefined ? "Choose a custom action." : undefined}
          >
            <Select
              placeholder="Choose a custom action"
              statusType={targets.isPending ? "loading" : "finished"}
              loadingText="Loading custom actions"
              selectedOption={options.find((o) => o.value === target) ?? null}
              options={options}
              onChange={({ detail }) => setTarget(detail.selectedOption.value)}
            />
          </FormField>
        )}
      </SpaceBetween>
    </Modal>
  );
}
