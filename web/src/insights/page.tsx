import { Route, Routes } from "react-router";
import { InsightEditor } from "./editor";
import { InsightPage } from "./insight";
import { InsightList } from "./list";

/** Questions that are kept under a name: a list, one with its results, and the form for one. */
export default function InsightsPage() {
  return (
    <Routes>
      <Route index element={<InsightList />} />
      <Route path="new" element={<InsightEditor />} />
      <Route path="edit" element={<InsightEditor />} />
      <Route path="one" element={<InsightPage />} />
    </Routes>
  );
}
