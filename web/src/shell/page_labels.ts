/** What the buttons of a pagination say to who cannot see them. */
export const pageLabels = {
  nextPageLabel: "Next page",
  previousPageLabel: "Previous page",
  pageLabel: (page: number) => `Page ${page}`,
};
