import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Link from "@cloudscape-design/components/link";
import Spinner from "@cloudscape-design/components/spinner";
import { harmless } from "../findings/harmless";
import type { ValueCount } from "./queries";
import "./worst.css";

interface WorstProps {
  title: string;
  /** What a row is, for the table's first column. */
  what: string;
  /** undefined while they are not known. */
  values: readonly ValueCount[] | undefined;
  href: (value: string) => string;
  empty: string;
}

/** How many rows each list has room for. It keeps that room while it loads, and when there are fewer. */
export const worstRows = 8;

/** The values with the most findings, each with a bar as long as its share of the first. */
export function Worst({ title, what, values, href, empty }: WorstProps) {
  const most = values?.[0]?.Count ?? 1;
  return (
    <Container fitHeight header={<Header variant="h2">{title}</Header>}>
      <div className="worst">
        {values === undefined ? (
          <Box color="text-body-secondary">
            <Spinner /> Loading
          </Box>
        ) : values.length === 0 ? (
          <Box color="text-body-secondary">{empty}</Box>
        ) : (
          <table aria-label={title}>
            <thead>
              <tr>
                <th scope="col">{what}</th>
                <th scope="col" className="worst-count">
                  Findings
                </th>
              </tr>
            </thead>
            <tbody>
              {values.slice(0, worstRows).map((v) => (
                <tr key={v.Value}>
                  <th scope="row">
                    <div className="worst-value" title={v.Value}>
                      <Link href={href(v.Value)} ariaLabel={`${v.Value}: ${v.Count} findings`}>
                        {v.Value === "" ? "(empty)" : harmless(v.Value)}
                      </Link>
                    </div>
                    <div aria-hidden="true" className="worst-bar" style={{ width: `${(100 * v.Count) / most}%` }} />
                  </th>
                  <td className="worst-count">{v.Count.toLocaleString("en")}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </Container>
  );
}
