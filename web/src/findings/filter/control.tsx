import PropertyFilter, { type PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import { useMemo } from "react";
import { attributes, inWords } from "../attributes";
import { type Condition, isRaw, kindOf, type Operator, operatorsOf, type Raw, type Test, toWhere } from "./condition";
import { DateForm, DaysForm } from "./dates";
import { useSuggestions } from "./suggestions";

interface FilterControlProps {
  value: Condition;
  onChange: (c: Condition) => void;
  /** Attributes that may be asked about; all of them unless said. */
  attributes?: readonly string[];
  label?: string;
  countText?: string;
  loading?: boolean;
}

/** The name that a part which the control cannot take apart stands under. */
const rawProperty = "#condition";

/** The attributes that people ask about most stand first. */
const first = ["SeverityLabel", "WorkflowStatus", "RecordState", "Title", "ResourceId", "ResourceType", "ProductName", "AwsAccountId", "Region", "ComplianceStatus", "UpdatedAt", "CreatedAt"];

function propertiesOf(names: readonly string[]): PropertyFilterProps.FilteringProperty[] {
  const ranked = [...first.filter((n) => names.includes(n)), ...names.filter((n) => !first.includes(n))];
  const list: PropertyFilterProps.FilteringProperty[] = ranked.flatMap((name) => {
    const kind = kindOf(name);
    if (kind === undefined || kind === "keyword") {
      return [];
    }
    const label = kind === "map" ? `${inWords(name)} (key=value)` : inWords(name);
    return [{ key: name, propertyLabel: label, groupValuesLabel: `Values of ${label}`, operators: operatorsOf[kind].map((o) => operatorOf(kind, o)), defaultOperator: operatorsOf[kind][0] ?? "=" }];
  });
  return [...list, { key: rawProperty, propertyLabel: "Condition", groupValuesLabel: "Conditions", operators: ["="] }];
}

/** A token's value as it is shown: those of dates are text. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function operatorOf(kind: string, operator: Operator): PropertyFilterProps.FilteringProperty["operators"] extends readonly (infer O)[] | undefined ? O : never {
  if (kind === "date" && (operator === ":" || operator === "!:")) {
    return { operator, description: operator === ":" ? "In the last" : "Longer ago than", form: DaysForm, format: textOf };
  }
  if (kind === "date") {
    return { operator, description: operator === "<" ? "Before" : "From", form: DateForm, format: textOf };
  }
  if (kind === "ip") {
    return { operator, description: operator === "=" ? "In the network" : "Not in the network" };
  }
  return (kind === "string" || kind === "map") && (operator === "=" || operator === "!=") ? { operator, tokenType: "enum" } : operator;
}

/** Whether tokens can say what a test means. They cannot where their join is not that of its values, or a key would not come back. */
function fitsTokens(t: Test, join: Condition["join"], oneToken: boolean): boolean {
  if (t.key?.includes("=") === true || (t.key === undefined && t.values.includes(""))) {
    return false;
  }
  return oneToken || t.values.length === 1 || join === (t.operator.startsWith("!") ? "and" : "or");
}

/** The condition as the control's tokens. */
export function toQuery(c: Condition): PropertyFilterProps.Query {
  return {
    operation: c.join,
    tokens: c.tests.flatMap((t): PropertyFilterProps.Token[] => {
      if (isRaw(t)) {
        return [{ propertyKey: rawProperty, operator: "=", value: t.raw }];
      }
      const kind = kindOf(t.attribute);
      const oneToken = (kind === "string" || kind === "map") && (t.operator === "=" || t.operator === "!=");
      if (!fitsTokens(t, c.join, oneToken)) {
        return [{ propertyKey: rawProperty, operator: "=", value: toWhere({ join: "and", tests: [t] }) }];
      }
      const of = kind === "keyword" ? {} : { propertyKey: t.attribute };
      const values = t.key === undefined ? t.values : t.values.map((v) => `${t.key ?? ""}=${v}`);
      return oneToken ? [{ ...of, operator: t.operator, value: values }] : values.map((value) => ({ ...of, operator: t.operator, value }));
    }),
  };
}

/** The condition that the control's tokens say; a token without a value says nothing. */
export function fromQuery(q: PropertyFilterProps.Query): Condition {
  const tests = q.tokens.flatMap((token): (Test | Raw)[] => {
    const values = [token.value].flat().filter((v): v is string => typeof v === "string" && v !== "");
    const operator = token.operator as Operator;
    if (values.length === 0) {
      return [];
    }
    if (token.propertyKey === rawProperty) {
      return values.map((raw) => ({ raw }));
    }
    if (token.propertyKey === undefined) {
      return [{ attribute: "Keyword", operator: operator === "!:" ? "!:" : ":", values }];
    }
    const attribute = token.propertyKey;
    if (kindOf(attribute) !== "map") {
      return [{ attribute, operator, values }];
    }
    const keys = new Map<string, string[]>();
    for (const v of values) {
      const equals = v.indexOf("=");
      const key = equals < 0 ? v : v.slice(0, equals);
      keys.set(key, [...(keys.get(key) ?? []), equals < 0 ? "" : v.slice(equals + 1)]);
    }
    return [...keys].map(([key, of]) => ({ attribute, key, operator, values: of }));
  });
  return { join: q.operation, tests };
}

/** Asks for a condition: tests of attributes, with the values that findings have. */
export function FilterControl({ value, onChange, attributes: allowed, label = "Filter findings", countText, loading }: FilterControlProps) {
  const names = useMemo(() => allowed ?? Object.keys(attributes), [allowed]);
  const properties = useMemo(() => propertiesOf(names), [names]);
  const suggestions = useSuggestions(value);
  return (
    <PropertyFilter
      query={toQuery(value)}
      onChange={({ detail }) => onChange(fromQuery(detail))}
      filteringProperties={properties}
      filteringOptions={suggestions.options}
      filteringStatusType={suggestions.status}
      onLoadItems={({ detail }) => suggestions.load(detail)}
      asyncProperties={false}
      freeTextFiltering={{ operators: [":", "!:"], defaultOperator: ":" }}
      disableFreeTextFiltering={!names.includes("Keyword")}
      filteringAriaLabel={label}
      filteringPlaceholder={label}
      filteringLoadingText="Asking for values"
      filteringErrorText="The values could not be had."
      filteringRecoveryText="Ask again"
      filteringEmpty="No values"
      filteringFinishedText="The most frequent values"
      expandToViewport
      tokenLimit={6}
      {...(countText === undefined ? {} : { countText })}
      {...(loading === undefined ? {} : { loading })}
      i18nStrings={strings}
    />
  );
}

const operatorNames: Record<string, string> = {
  "=": "Equals",
  "!=": "Does not equal",
  ":": "Contains",
  "!:": "Does not contain",
  "^": "Starts with",
  "!^": "Does not start with",
  ">=": "At least",
  "<=": "At most",
  ">": "More than",
  "<": "Less than",
};

const strings: PropertyFilterProps.I18nStrings = {
  dismissAriaLabel: "Close",
  groupValuesText: "Values",
  groupPropertiesText: "Attributes",
  operatorsText: "Operators",
  operationAndText: "and",
  operationOrText: "or",
  operatorLessText: operatorNames["<"] ?? "",
  operatorLessOrEqualText: operatorNames["<="] ?? "",
  operatorGreaterText: operatorNames[">"] ?? "",
  operatorGreaterOrEqualText: operatorNames[">="] ?? "",
  operatorContainsText: operatorNames[":"] ?? "",
  operatorDoesNotContainText: operatorNames["!:"] ?? "",
  operatorEqualsText: operatorNames["="] ?? "",
  operatorDoesNotEqualText: operatorNames["!="] ?? "",
  operatorStartsWithText: operatorNames["^"] ?? "",
  operatorDoesNotStartWithText: operatorNames["!^"] ?? "",
  editTokenHeader: "Edit the filter",
  propertyText: "Attribute",
  operatorText: "Operator",
  valueText: "Value",
  cancelActionText: "Cancel",
  applyActionText: "Apply",
  allPropertiesLabel: "Anywhere in a finding",
  clearFiltersText: "Clear filters",
  tokenLimitShowMore: "Show more",
  tokenLimitShowFewer: "Show fewer",
  tokenOperatorAriaLabel: "How filters are joined",
  enteredTextLabel: (text: string) => `Use: “${text}”`,
  removeTokenButtonAriaLabel: (t) => `Remove the filter ${t.propertyLabel ?? ""} ${operatorNames[t.operator] ?? t.operator} ${String(t.value)}`,
};
