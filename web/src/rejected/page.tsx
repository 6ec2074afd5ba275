import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ContentLayout from "@cloudscape-design/components/content-layout";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { harmless } from "../findings/harmless";
import { WhyRejected } from "./finding";
import { ProducersTable } from "./producers";
import { type Producer, producerKey, type Producers, productOf, type Rejected, type RejectedFinding } from "./queries";

/** How many rejected findings one look asks for. */
const most = 50;

/** What was rejected, why, and how to mend it; and which producers would do well to change something. */
export default function RejectedPage() {
  const hub = useHub();
  const [chosen, setChosen] = useState<Pick<Producer, "ProductArn" | "AccountId">>();
  const producers = useQuery({
    queryKey: [...hub.cacheKey, "producers"],
    queryFn: ({ signal }) => hub.own<Producers>("GET", "producers", { signal }),
    refetchInterval: 30_000,
  });
  const rejected = useQuery({
    queryKey: [...hub.cacheKey, "rejected", chosen],
    queryFn: ({ signal }) =>
      hub.own<Rejected>("GET", "rejected", {
        query: { max: `${most}`, ...(chosen === undefined ? {} : { account: chosen.AccountId, product: chosen.ProductArn }) },
        signal,
      }),
  });
  const list = producers.data?.Producers ?? [];
  const everyone = { value: "", label: "All producers" };
  const options = [
    everyone,
    ...list.map((p) => ({ value: producerKey(p), label: productOf(p.ProductArn), description: `account ${p.AccountId}`, tags: [`${p.Rejected.toLocaleString("en")} rejected`] })),
  ];
  const findings = rejected.data?.Rejected ?? [];
  // Both parts come together: else the second would be pushed down by the first.
  const beginning = producers.isPending || (rejected.isPending && chosen === undefined);

  return (
    <ContentLayout header={<Header variant="h1" description="The last rejected findings of each producer, with every rule they break.">Why was it rejected?</Header>}>
      <SpaceBetween size="l">
        {producers.isError && <Failure error={producers.error} what="The producers could not be loaded" retry={() => void producers.refetch()} />}
        {beginning ? (
          <Box padding="xxl" textAlign="center">
            <Spinner size="large" />
          </Box>
        ) : (
          <SpaceBetween size="l">
            <ProducersTable producers={list} since={producers.data?.Since} loading={producers.isPending} onChoose={setChosen} />
            {rejected.isError && <Failure error={rejected.error} what="The rejected findings could not be loaded" retry={() => void rejected.refetch()} />}
            <Container
              header={
                <Header
                  variant="h2"
                  counter={rejected.data && `(${findings.length}${findings.length === most ? "+" : ""})`}
                  description="They are kept in memory, the newest of each producer: the list begins anew when the hub starts."
                  actions={
                    <SpaceBetween direction="horizontal" size="xs">
                      <Select
                        ariaLabel="Whose findings"
                        selectedOption={options.find((o) => o.value === (chosen === undefined ? "" : producerKey(chosen))) ?? everyone}
                        options={options}
                        onChange={({ detail }) => setChosen(list.find((p) => producerKey(p) === detail.selectedOption.value))}
                      />
                      <Button iconName="refresh" ariaLabel="Refresh the rejected findings" onClick={() => void rejected.refetch()} />
                    </SpaceBetween>
                  }
                >
                  Rejected findings
                </Header>
              }
            >
              {rejected.isPending ? (
                <Box padding="l" textAlign="center">
                  <Spinner /> Loading
                </Box>
              ) : findings.length === 0 ? (
                <Box padding="l" textAlign="center">
                  <Box variant="strong">Nothing was rejected</Box>
                  <Box color="text-body-secondary">Since the hub started, every finding that came was taken. What is wrong with a file is also told by: hubcap lint FILE</Box>
                </Box>
              ) : (
                <SpaceBetween size="xs">
                  {findings.map((f, i) => (
                    <ExpandableSection
                      key={`${f.At} ${f.ProductArn} ${f.Id} ${i}`}
                      defaultExpanded={i === 0}
                      headerText={clip(harmless(f.Title ?? (f.Id === "" ? "A finding without an id" : f.Id)))}
                      headerDescription={about(f)}
                      variant="default"
                    >
                      <WhyRejected finding={f} />
                    </ExpandableSection>
                  ))}
                  {rejected.data !== undefined && rejected.data.Dropped > 0 && (
                    <Box color="text-body-secondary">{rejected.data.Dropped.toLocaleString("en")} older ones are kept no more.</Box>
                  )}
                </SpaceBetween>
              )}
            </Container>
          </SpaceBetween>
        )}
      </SpaceBetween>
    </ContentLayout>
  );
}

/** A title that is too long is a reason to reject a finding, and no heading. */
function clip(title: string): string {
  const letters = [...title];
  return letters.length > 120 ? `${letters.slice(0, 119).join("")}…` : title;
}

function about(f: RejectedFinding): string {
  const n = f.Violations.length;
  return [
    n === 0 ? f.ErrorCode : n === 1 ? "1 violation" : `${n} violations`,
    new Date(f.At).toLocaleString("en"),
    productOf(f.ProductArn) || "no product",
    f.AccountId === "" ? "no account" : `account ${f.AccountId}`,
  ].join(" · ");
}
