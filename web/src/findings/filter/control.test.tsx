import { fireEvent, screen, waitFor } from "@testing-library/react";
import userEvent, { PointerEventsCheckLevel } from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it, vi } from "vitest";
import { Problem } from "../../api/problem";
import { FakeHub, show } from "../../testing/fake_hub";
import { attributes } from "../attributes";
import { type Condition, operatorsOf, type Test, toWhere } from "./condition";
import { FilterControl, fromQuery, toQuery } from "./control";
import { fromWhere } from "./parse";

vi.setConfig({ testTimeout: 120_000 });
const user = userEvent.setup({ pointerEventsCheck: PointerEventsCheckLevel.Never });
const patient = { timeout: 20_000 };

describe("tokens", () => {
  it.each([
    "",
    "SeverityLabel in (HIGH, CRITICAL) and RecordState = ACTIVE",
    'Title not startswith "a" and Title not startswith "b"',
    'Title startswith "a" or Title startswith "b"',
    '(Type startswith "TTPs" or Type startswith "Effects") and RecordState = ACTIVE',
    '(Keyword contains "a" or Keyword contains "b") and RecordState = ACTIVE',
    '(Title not startswith "a" and Title not startswith "b") or RecordState = ACTIVE',
    "(Confidence >= 5 or Confidence >= 7) and RecordState = ACTIVE",
    'ResourceTags["env"] in ("prod", "a=b")',
    'ResourceTags["a=b"] = "c"',
    'ResourceTags["env"] = ""',
    'Title = ""',
    "(SeverityLabel = HIGH and (Region = A or Title contains b)) and RecordState = ACTIVE",
    'Region = "eu-west-1" or Sample = "true"',
  ])("say the same: %s", (where) => {
    expect(toWhere(fromQuery(toQuery(fromWhere(where))))).toBe(where);
  });

  it("say the same of every attribute and operator", () => {
    const valueOf = { string: "a b", map: "c=d", number: "7", date: "2026-01-02", ip: "2001:db8::/32", bool: "false", keyword: "\u2602 <b>" };
    for (const [attribute, kind] of Object.entries(attributes)) {
      for (const operator of operatorsOf[kind]) {
        const value = kind === "date" && operator.endsWith(":") ? "3 weeks" : valueOf[kind];
        const t: Test = { attribute, operator, values: [value], ...(kind === "map" ? { key: "k [1]" } : {}) };
        const c: Condition = { join: "and", tests: [t] };
        expect(fromQuery(toQuery(c))).toEqual(c);
      }
    }
  });
});

function Filter({ at = "", allowed }: { at?: string; allowed?: readonly string[] }) {
  const [condition, setCondition] = useState(fromWhere(at));
  return (
    <>
      <FilterControl value={condition} onChange={setCondition} {...(allowed === undefined ? {} : { attributes: allowed })} />
      <output aria-label="condition">{toWhere(condition)}</output>
    </>
  );
}

const said = (where: string) => waitFor(() => expect(screen.getByLabelText("condition").textContent).toBe(where), patient);

// Cloudscape goes by keyCode, which the browser's own events have.
const pressEnter = () => fireEvent.keyDown(screen.getByRole("combobox"), { key: "Enter", keyCode: 13 });

describe("FilterControl", () => {
  it("offers the values that findings have, with how many, among those that the rest leaves", async () => {
    const hub = new FakeHub({
      "POST groups": () => ({ Count: 9, Groups: [{ Attribute: "ProductName", Values: [{ Value: "Scanner", Count: 1234 }, { Value: "Prober", Count: 2 }], More: false, Missing: 0 }] }),
    });
    show(<Filter at="RecordState = ACTIVE" />, hub);
    await user.type(screen.getByRole("combobox"), "Product name = Scan");
    await waitFor(
      () =>
        expect(hub.asks("POST groups").at(-1)).toEqual({ Where: "RecordState = ACTIVE", Groups: [{ Attribute: "ProductName", MaxResults: 25, Except: true, Contains: "Scan" }] }),
      patient,
    );
    await waitFor(() => expect(screen.getAllByText("1,234 findings").length).toBeGreaterThan(0), patient);
  });

  it("takes text without an attribute as text anywhere in a finding", async () => {
    show(<Filter />, new FakeHub({}));
    await user.type(screen.getByRole("combobox"), "public bucket");
    pressEnter();
    await said('Keyword contains "public bucket"');
  });

  it("takes what is typed though its values cannot be had", async () => {
    const hub = new FakeHub({
      "POST groups": () => {
        throw new Problem("Rate exceeded", "ThrottlingException", 429);
      },
    });
    show(<Filter />, hub);
    await user.type(screen.getByRole("combobox"), "Title : bucket");
    await waitFor(() => expect(screen.getAllByText("The values could not be had.").length).toBeGreaterThan(0), patient);
    pressEnter();
    await said('Title contains "bucket"');
  });

  it("asks about nothing but what is allowed", async () => {
    show(<Filter allowed={["Title"]} />, new FakeHub({}));
    await user.type(screen.getByRole("combobox"), "public");
    pressEnter();
    await said("");
  });
});
