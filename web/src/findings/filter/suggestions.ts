import type { PropertyFilterProps } from "@cloudscape-design/components/property-filter";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useHub } from "../../api/context";
import type { Groups } from "../../overview/queries";
import { type Condition, kindOf, toWhere } from "./condition";

/** What the control asks for: values of an attribute that begin with, or hold, what was typed. */
interface Wanted {
  attribute: string;
  key: string | undefined;
  text: string;
}

/** Kinds whose values the hub can list. */
const listed = new Set(["string", "map", "bool", "number"]);

const most = 25;

interface Suggestions {
  options: PropertyFilterProps.FilteringOption[];
  status: "pending" | "loading" | "finished" | "error";
  load: (detail: PropertyFilterProps.LoadItemsDetail) => void;
}

/** Values of the attribute that is being typed, with how many findings have them among those that the rest of the condition leaves. */
export function useSuggestions(condition: Condition): Suggestions {
  const hub = useHub();
  const [wanted, setWanted] = useState<Wanted>();
  const where = toWhere(condition);
  const answer = useQuery({
    queryKey: [...hub.cacheKey, "suggestions", where, wanted],
    queryFn: async ({ signal }) => {
      if (wanted === undefined) {
        return [];
      }
      const group = {
        Attribute: wanted.attribute,
        MaxResults: most,
        Except: true,
        ...(wanted.key === undefined ? {} : { Key: wanted.key }),
        ...(wanted.text === "" ? {} : { Contains: wanted.text }),
      };
      const groups = await hub.own<Groups>("POST", "groups", { body: { Where: where === "" ? "all" : where, Groups: [group] }, signal });
      return (groups.Groups[0]?.Values ?? []).map((v) => ({
        propertyKey: wanted.attribute,
        value: wanted.key === undefined ? v.Value : `${wanted.key}=${v.Value}`,
        tags: [`${v.Count.toLocaleString("en")} findings`],
      }));
    },
    enabled: wanted !== undefined,
    placeholderData: (before) => before,
  });
  return {
    options: answer.data ?? [],
    status: wanted === undefined ? "pending" : answer.isError ? "error" : answer.isFetching ? "loading" : "finished",
    load({ filteringProperty, filteringText }) {
      const attribute = filteringProperty?.key;
      const kind = attribute === undefined ? undefined : kindOf(attribute);
      if (attribute === undefined || kind === undefined || !listed.has(kind)) {
        setWanted(undefined);
        return;
      }
      const equals = filteringText.indexOf("=");
      if (kind === "map" && equals < 0) {
        setWanted(undefined); // the key comes first
        return;
      }
      setWanted({
        attribute,
        key: kind === "map" ? filteringText.slice(0, equals) : undefined,
        text: kind === "map" ? filteringText.slice(equals + 1) : filteringText,
      });
    },
  };
}
