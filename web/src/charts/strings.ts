/** What charts say to who cannot see them. */
export const chartStrings = {
  legendAriaLabel: "Legend",
  detailPopoverDismissAriaLabel: "Close",
  chartAriaRoleDescription: "chart",
  xAxisAriaRoleDescription: "x axis",
  yAxisAriaRoleDescription: "y axis",
  filterLabel: "Shown",
  filterPlaceholder: "Filter what is shown",
};

/** A short form of a day of UTC, as 2026-11-22 becomes Nov 22. */
export function dayLabel(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString("en", { month: "short", day: "numeric", timeZone: "UTC" });
}
