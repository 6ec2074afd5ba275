import { Route, Routes } from "react-router";
import { RuleEditor } from "./editor";
import { RulesPage } from "./rules";

/** Automation rules: the list in the order in which they act, and the form for one. */
export default function AutomationRulesPage() {
  return (
    <Routes>
      <Route index element={<RulesPage />} />
      <Route path="new" element={<RuleEditor />} />
      <Route path="edit" element={<RuleEditor />} />
    </Routes>
  );
}
