export { type Condition, everything, isRaw, toWhere } from "./condition";
export { FilterControl } from "./control";
export { type Filters, fromFilters, NotInFilters, toFilters } from "./filters";
export { fromWhere } from "./parse";
