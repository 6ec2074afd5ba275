import ContentLayout from "@cloudscape-design/components/content-layout";
import Grid from "@cloudscape-design/components/grid";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useHub } from "../api/context";
import { Failure } from "../api/failure";
import { findingsHref } from "../findings/link";
import { senderOf } from "../welcome/sender";
import { Welcome } from "../welcome/welcome";
import { all, equals, failedControls, open, resolved, within } from "./conditions";
import { duration } from "./duration";
import { Imports } from "./imports";
import { KeyNumbers } from "./key_numbers";
import { useGroups, useRates, useSeries } from "./queries";
import { NewAgainstResolved, SeveritiesOverTime } from "./trends";
import { Worst, worstRows } from "./worst";

const periods = [7, 30, 90];
const severe = "SeverityLabel in (CRITICAL, HIGH)";

/** How things stand, and how they came to be so. */
export default function OverviewPage() {
  const { session } = useHub();
  const [days, setDays] = useState(30);
  const [which, setWhich] = useState<"severe" | "all">("severe");
  const series = useSeries(days);
  const severities = useGroups(open, [{ Attribute: "SeverityLabel" }]);
  const today = useGroups(within("CreatedAt", 1), [{ Attribute: "SeverityLabel" }]);
  const where = which === "severe" ? all(open, severe) : open;
  const group = (Attribute: string) => ({ Attribute, MaxResults: worstRows });
  const worst = useGroups(where, [group("AwsAccountId"), group("ResourceId"), group("ProductName")]);
  const controlsWhere = which === "severe" ? all(failedControls, severe) : failedControls;
  const controls = useGroups(controlsWhere, [group("ComplianceSecurityControlId")]);
  const rates = useRates();

  const failed = [series, severities, today, worst, controls, rates].find((q) => q.isError);
  const label = (name: string) => severities.data && (severities.data.Groups[0]?.Values.find((v) => v.Value === name)?.Count ?? 0);
  const toResolve = series.data?.TimeToResolve;
  const minutes = rates.data?.Minutes ?? [];
  const lastMinutes = minutes.slice(-6, -1);
  const perMinute = lastMinutes.length === 0 ? undefined : lastMinutes.reduce((n, m) => n + m.Accepted, 0) / lastMinutes.length;
  const status = (q: { isError: boolean; isPending: boolean }) => (q.isPending ? "loading" : q.isError ? "error" : "finished");
  const number = (n: number | undefined) => n?.toLocaleString("en");
  const found = (i: number) => worst.data?.Groups[i]?.Values;
  const retryAll = () => [series, severities, today, worst, controls, rates].filter((q) => q.isError).forEach((q) => void q.refetch());

  return (
    <ContentLayout
      header={
        <Header
          variant="h1"
          description={`What ${session.account} sees in ${session.region}`}
          actions={
            <SegmentedControl
              label="Days to look back"
              selectedId={`${days}`}
              options={periods.map((n) => ({ id: `${n}`, text: `${n} days` }))}
              onChange={({ detail }) => setDays(Number(detail.selectedId))}
            />
          }
        >
          Overview
        </Header>
      }
    >
      <SpaceBetween size="l">
        {failed !== undefined && <Failure error={failed.error} what="Not all numbers could be loaded" retry={retryAll} />}
        {series.data?.Count === 0 ? (
          <Welcome {...senderOf(session)} />
        ) : (
          <SpaceBetween size="l">
            <KeyNumbers
              numbers={[
                { label: "Open findings", value: number(severities.data?.Count), href: findingsHref(open), note: "neither resolved nor suppressed" },
                { label: "Of these, critical", value: number(label("CRITICAL")), href: findingsHref(all(open, equals("SeverityLabel", "CRITICAL"))) },
                { label: "Of these, high", value: number(label("HIGH")), href: findingsHref(all(open, equals("SeverityLabel", "HIGH"))) },
                { label: "New in 24 hours", value: number(today.data?.Count), href: findingsHref(within("CreatedAt", 1)) },
                { label: "Resolved in all", value: number(series.data?.Resolved), href: findingsHref(resolved), note: "or archived" },
                {
                  label: "Mean time to resolve",
                  value: toResolve && (toResolve.Findings === 0 ? "–" : duration(toResolve.MeanSeconds)),
                  note:
                    toResolve && (toResolve.Findings === 0 ? `none resolved in ${days} days` : `median ${duration(toResolve.MedianSeconds)}, of ${number(toResolve.Findings) ?? ""} in ${days} days`),
                },
                {
                  label: "Imports a minute",
                  value: perMinute === undefined ? undefined : perMinute < 10 ? (Math.round(perMinute * 10) / 10).toString() : number(Math.round(perMinute)),
                  note: "findings taken, mean of 5 minutes",
                },
              ]}
            />
            <Grid gridDefinition={[{ colspan: { default: 12, m: 6 } }, { colspan: { default: 12, m: 6 } }]}>
              <SeveritiesOverTime series={series.data} status={status(series)} retry={() => void series.refetch()} href={findingsHref} />
              <NewAgainstResolved series={series.data} status={status(series)} retry={() => void series.refetch()} href={findingsHref} />
            </Grid>
            <Header
              variant="h2"
              actions={
                <SegmentedControl
                  label="Which open findings count"
                  selectedId={which}
                  options={[
                    { id: "severe", text: "Critical and high" },
                    { id: "all", text: "All severities" },
                  ]}
                  onChange={({ detail }) => setWhich(detail.selectedId === "all" ? "all" : "severe")}
                />
              }
            >
              Where most is open
            </Header>
            <Grid gridDefinition={[1, 2, 3, 4].map(() => ({ colspan: { default: 12, s: 6, xl: 3 } }))}>
              <Worst title="Accounts" what="Account" values={found(0)} href={(v) => findingsHref(all(where, equals("AwsAccountId", v)))} empty={nothing} />
              <Worst title="Resources" what="Resource" values={found(1)} href={(v) => findingsHref(all(where, equals("ResourceId", v)))} empty={nothing} />
              <Worst title="Products" what="Product" values={found(2)} href={(v) => findingsHref(all(where, equals("ProductName", v)))} empty={nothing} />
              <Worst
                title="Failed controls"
                what="Control"
                values={controls.data?.Groups[0]?.Values}
                href={(v) => findingsHref(all(controlsWhere, equals("ComplianceSecurityControlId", v)))}
                empty="No control failed."
              />
            </Grid>
            <Imports rates={rates.data} status={status(rates)} retry={() => void rates.refetch()} />
          </SpaceBetween>
        )}
      </SpaceBetween>
    </ContentLayout>
  );
}

const nothing = "Nothing is open.";
