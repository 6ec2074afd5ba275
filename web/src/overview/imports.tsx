import AreaChart from "@cloudscape-design/components/area-chart";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import { colorChartsStatusHigh, colorChartsStatusInfo } from "@cloudscape-design/design-tokens";
import { Numbers } from "../charts/numbers";
import { chartStrings } from "../charts/strings";
import type { Rates } from "./queries";

interface ImportsProps {
  rates: Rates | undefined;
  status: "loading" | "finished" | "error";
  retry: () => void;
}

const clock = (at: string | Date) => new Date(at).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false });

/** What came in, a minute at a time, of the last hour. */
export function Imports({ rates, status, retry }: ImportsProps) {
  const minutes = rates?.Minutes ?? [];
  const title = "Imports a minute";
  const most = Math.max(4, ...minutes.map((m) => m.Accepted + m.Rejected));
  return (
    <Container
      header={<Header variant="h2" description="Findings of the last hour that were taken or rejected. The count begins anew when the hub starts.">{title}</Header>}
      footer={
        <Numbers
          label={title}
          rows={[...minutes].reverse().filter((m) => m.Requests > 0)}
          rowKey={(m) => m.At}
          columns={[
            { id: "at", header: "Minute", cell: (m) => clock(m.At) },
            { id: "accepted", header: "Taken", cell: (m) => m.Accepted.toLocaleString("en") },
            { id: "rejected", header: "Rejected", cell: (m) => m.Rejected.toLocaleString("en") },
            { id: "requests", header: "Requests", cell: (m) => m.Requests.toLocaleString("en") },
          ]}
        />
      }
    >
      <AreaChart<Date>
        ariaLabel={title}
        ariaDescription="Two areas by minute: findings taken and findings rejected. The table below has the same numbers."
        height={160}
        hideFilter
        xScaleType="time"
        {...(minutes.length > 1 ? { xDomain: [new Date(minutes[0]?.At ?? 0), new Date(minutes.at(-1)?.At ?? 0)] } : {})}
        yDomain={[0, most]}
        xTickFormatter={clock}
        series={[
          { type: "area", title: "Taken", color: colorChartsStatusInfo, data: minutes.map((m) => ({ x: new Date(m.At), y: m.Accepted })) },
          { type: "area", title: "Rejected", color: colorChartsStatusHigh, data: minutes.map((m) => ({ x: new Date(m.At), y: m.Rejected })) },
        ]}
        statusType={status}
        loadingText="Loading"
        errorText="The numbers could not be loaded."
        recoveryText="Retry"
        onRecoveryClick={retry}
        empty={<Box textAlign="center" color="text-body-secondary">Nothing came in during the last hour.</Box>}
        i18nStrings={chartStrings}
      />
    </Container>
  );
}
