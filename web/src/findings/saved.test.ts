import { act, renderHook } from "@testing-library/react";
import { beforeEach, expect, it } from "vitest";
import { useSavedViews } from "./saved";

const place = "hubcap.findings.views";

beforeEach(() => localStorage.clear());

it("all who show the views have the same ones", () => {
  const menu = renderHook(useSavedViews);
  const dialogue = renderHook(useSavedViews);
  act(() => dialogue.result.current.save({ name: "b", search: "where=x" }));
  act(() => dialogue.result.current.save({ name: "a", search: "" }));
  act(() => dialogue.result.current.save({ name: "b", search: "where=y" }));
  expect(menu.result.current.views).toEqual([{ name: "a", search: "" }, { name: "b", search: "where=y" }]);
  act(() => menu.result.current.remove("a"));
  expect(dialogue.result.current.views).toEqual([{ name: "b", search: "where=y" }]);
  expect(JSON.parse(localStorage.getItem(place) ?? "")).toEqual([{ name: "b", search: "where=y" }]);
});

it("another tab's view comes too", () => {
  const menu = renderHook(useSavedViews);
  localStorage.setItem(place, '[{"name":"c","search":"s"},{"name":5},null]');
  act(() => void window.dispatchEvent(new StorageEvent("storage", { key: place })));
  expect(menu.result.current.views).toEqual([{ name: "c", search: "s" }]);
});

it.each(["{", "5", "null"])("begins anew with %s", (text) => {
  localStorage.setItem(place, text);
  expect(renderHook(useSavedViews).result.current.views).toEqual([]);
});
