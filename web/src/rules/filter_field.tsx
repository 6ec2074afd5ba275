import Box from "@cloudscape-design/components/box";
import FormField from "@cloudscape-design/components/form-field";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { type Condition, everything, FilterControl, type Filters, fromFilters, NotInFilters, toFilters } from "../findings/filter";

/** Filters as a form holds them: as the control's condition or, where the control has no place for what they say, as JSON. */
export type FilterDraft = { condition: Condition } | { json: string };

export const noFilter: FilterDraft = { condition: everything };

export function draftOf(filters: object | undefined): FilterDraft {
  const condition = fromFilters(filters as Filters | undefined);
  return condition === undefined ? { json: JSON.stringify(filters, null, 2) } : { condition };
}

/** The filters of a draft, or a sentence on why there are none. */
export function filtersOf(draft: FilterDraft): { filters: Filters } | { problem: string } {
  try {
    if ("condition" in draft) {
      return { filters: toFilters(draft.condition) };
    }
    const read: unknown = JSON.parse(draft.json);
    return typeof read === "object" && read !== null && !Array.isArray(read) ? { filters: read as Filters } : { problem: "Filters are a JSON object." };
  } catch (e) {
    if (e instanceof NotInFilters) {
      return { problem: e.message };
    }
    return { problem: `This is no JSON: ${e instanceof Error ? e.message : ""}` };
  }
}

interface FilterFieldProps {
  label: string;
  description: string;
  draft: FilterDraft;
  onChange: (draft: FilterDraft) => void;
  attributes?: readonly string[];
  error?: string | undefined;
}

/** Asks for filters. */
export function FilterField({ label, description, draft, onChange, attributes, error }: FilterFieldProps) {
  return (
    <FormField label={label} description={description} errorText={error} stretch>
      {"condition" in draft ? (
        <FilterControl label={label} value={draft.condition} onChange={(condition) => onChange({ condition })} {...(attributes === undefined ? {} : { attributes })} />
      ) : (
        <SpaceBetween size="xs">
          <Textarea ariaLabel={`${label}, as JSON`} value={draft.json} rows={10} spellcheck={false} onChange={({ detail }) => onChange({ json: detail.value })} />
          <Box color="text-body-secondary" fontSize="body-s">
            These filters say what the control has no place for, so they are shown as the API takes them.
          </Box>
        </SpaceBetween>
      )}
    </FormField>
  );
}
