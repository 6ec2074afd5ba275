import BarChart from "@cloudscape-design/components/bar-chart";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import LineChart from "@cloudscape-design/components/line-chart";
import Link from "@cloudscape-design/components/link";
import { colorChartsStatusHigh, colorChartsStatusPositive } from "@cloudscape-design/design-tokens";
import { Numbers } from "../charts/numbers";
import { severities } from "../charts/severity";
import { chartStrings, dayLabel } from "../charts/strings";
import { all, equals, onDay, resolved } from "./conditions";
import type { Series } from "./queries";

/** The charts' height, the same while they load: nothing moves when the numbers come. */
export const chartHeight = 240;

interface TrendProps {
  series: Series | undefined;
  status: "loading" | "finished" | "error";
  retry: () => void;
  /** The address of the Findings page for a condition. */
  href: (where: string) => string;
}

const seriesDays = (series: Series | undefined) => series?.Days ?? [];

/** New findings by day and severity. */
export function SeveritiesOverTime({ series, status, retry, href }: TrendProps) {
  const days = seriesDays(series);
  const title = "New findings by severity";
  return (
    <Container header={<Header variant="h2">{title}</Header>} footer={
      <Numbers
        label={title}
        rows={days}
        rowKey={(d) => d.Day}
        columns={[
          { id: "day", header: "Day (UTC)", cell: (d) => d.Day },
          ...severities.map((s) => ({
            id: s.label,
            header: s.name,
            cell: (d: Series["Days"][number]) =>
              count(d.Severities[s.label] ?? 0, href(all(onDay("CreatedAt", d.Day), equals("SeverityLabel", s.label))), `${s.name}, ${d.Day}`),
          })),
          { id: "new", header: "All", cell: (d) => count(d.New, href(onDay("CreatedAt", d.Day)), `All, ${d.Day}`) },
        ]}
      />
    }>
      <BarChart
        ariaLabel={title}
        ariaDescription="A bar a day, stacked by severity. The table below has the same numbers."
        stackedBars
        height={chartHeight}
        hideFilter
        xScaleType="categorical"
        xDomain={days.map((d) => d.Day)}
        yDomain={[0, top(days.map((d) => d.New))]}
        xTickFormatter={dayLabel}
        series={[...severities].reverse().map((s) => ({
          type: "bar" as const,
          title: s.name,
          color: s.color,
          data: days.map((d) => ({ x: d.Day, y: d.Severities[s.label] ?? 0 })),
        }))}
        detailPopoverFooter={(day) => <Link href={href(onDay("CreatedAt", day))}>Findings created on {day}</Link>}
        statusType={status}
        loadingText="Loading"
        errorText="The numbers could not be loaded."
        recoveryText="Retry"
        onRecoveryClick={retry}
        empty={<NoNumbers />}
        i18nStrings={chartStrings}
      />
    </Container>
  );
}

/** What came and what was resolved, by day. */
export function NewAgainstResolved({ series, status, retry, href }: TrendProps) {
  const days = seriesDays(series);
  const title = "New against resolved";
  return (
    <Container
      header={
        <Header variant="h2" description={series?.Exact === false ? "Resolved is estimated: there are very many resolved findings." : undefined}>
          {title}
        </Header>
      }
      footer={
        <Numbers
          label={title}
          rows={days}
          rowKey={(d) => d.Day}
          columns={[
            { id: "day", header: "Day (UTC)", cell: (d) => d.Day },
            { id: "new", header: "New", cell: (d) => count(d.New, href(onDay("CreatedAt", d.Day)), `New, ${d.Day}`) },
            { id: "resolved", header: "Resolved", cell: (d) => d.Resolved.toLocaleString("en") },
          ]}
        />
      }
    >
      <LineChart
        ariaLabel={title}
        ariaDescription="Two lines by day: findings that are new and findings that were resolved. The table below has the same numbers."
        height={chartHeight}
        hideFilter
        xScaleType="categorical"
        xDomain={days.map((d) => d.Day)}
        yDomain={[0, top(days.flatMap((d) => [d.New, d.Resolved]))]}
        xTickFormatter={dayLabel}
        series={[
          { type: "line", title: "New", color: colorChartsStatusHigh, data: days.map((d) => ({ x: d.Day, y: d.New })) },
          { type: "line", title: "Resolved", color: colorChartsStatusPositive, data: days.map((d) => ({ x: d.Day, y: d.Resolved })) },
        ]}
        detailPopoverFooter={(day) => (
          <>
            <div><Link href={href(onDay("CreatedAt", day))}>Findings created on {day}</Link></div>
            <div><Link href={href(all(resolved, onDay("UpdatedAt", day)))}>Resolved ones last updated on {day}</Link></div>
          </>
        )}
        statusType={status}
        loadingText="Loading"
        errorText="The numbers could not be loaded."
        recoveryText="Retry"
        onRecoveryClick={retry}
        empty={<NoNumbers />}
        i18nStrings={chartStrings}
      />
    </Container>
  );
}

function NoNumbers() {
  return <Box textAlign="center" color="text-body-secondary">Nothing in these days.</Box>;
}

/** A number that leads to its findings; none leads nowhere. */
function count(n: number, href: string, label: string) {
  return n === 0 ? "0" : <Link href={href} ariaLabel={`${n} findings: ${label}`}>{n.toLocaleString("en")}</Link>;
}

/** The upper end of an axis: a little above the highest value, and a whole number. */
function top(values: number[]): number {
  return Math.max(4, Math.ceil(Math.max(0, ...values) * 1.1));
}
