import {
  colorChartsStatusCritical,
  colorChartsStatusHigh,
  colorChartsStatusLow,
  colorChartsStatusMedium,
  colorChartsStatusNeutral,
} from "@cloudscape-design/design-tokens";

/** The labels of severity, the worst first, with the colours that charts give them. */
export const severities = [
  { label: "CRITICAL", name: "Critical", color: colorChartsStatusCritical },
  { label: "HIGH", name: "High", color: colorChartsStatusHigh },
  { label: "MEDIUM", name: "Medium", color: colorChartsStatusMedium },
  { label: "LOW", name: "Low", color: colorChartsStatusLow },
  { label: "INFORMATIONAL", name: "Informational", color: colorChartsStatusNeutral },
] as const;
