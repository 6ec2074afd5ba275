import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { MemoryRouter, Route, Routes, useLocation } from "react-router";
import { vi } from "vitest";
import { HubProvider } from "../api/context";
import type { Hub } from "../api/hub";
import { Problem } from "../api/problem";
import type { Session } from "../api/session";
import { Notices, NotifyProvider } from "../shell/notify";

export const session: Session = {
  info: { Auth: "none", Profile: "open", Region: "us-east-1", Version: "devel" },
  keyId: "111122223333",
  secret: "any",
  region: "us-east-1",
  account: "111122223333",
  arn: "arn:aws:iam::111122223333:user/111122223333",
  only: undefined,
};

type Answer = (ask: Record<string, unknown>) => unknown;

/** A hub of answers: to the SDK's commands by name, as CreateInsight, and to own routes, as "POST groups". What it has no answer to fails. */
export class FakeHub implements Hub {
  session = session;
  cacheKey = ["fake"];
  /** What was asked, in order. */
  readonly asked: [name: string, ask: Record<string, unknown>][] = [];

  constructor(private readonly answers: Record<string, Answer>) {}

  /** What was asked by one name. */
  asks(name: string): Record<string, unknown>[] {
    return this.asked.filter(([n]) => n === name).map(([, ask]) => ask);
  }

  private answer(name: string, ask: Record<string, unknown>): Promise<unknown> {
    this.asked.push([name, ask]);
    const answer = this.answers[name];
    return answer === undefined ? Promise.reject(new Problem(`nobody answers ${name}`, "NoAnswer", 400)) : Promise.resolve().then(() => answer(ask));
  }

  own<T>(method: "GET" | "POST", path: string, ask: { body?: unknown; query?: Record<string, unknown> } = {}): Promise<T> {
    return this.answer(`${method} ${path}`, { ...ask.query, ...(ask.body as object) }) as Promise<T>;
  }

  stream = vi.fn<Hub["stream"]>();

  send = ((command: { constructor: { name: string }; input: Record<string, unknown> }) =>
    this.answer(command.constructor.name.replace(/Command$/, ""), command.input)) as unknown as Hub["send"];
}

function Where() {
  const { pathname, search } = useLocation();
  return <div data-testid="where">{pathname + search}</div>;
}

/** Shows a page of the console as somebody sees it who is signed in to a hub. */
export function show(page: ReactNode, hub: Hub, at = "/") {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <QueryClientProvider client={client}>
      <MemoryRouter initialEntries={[at]}>
        <HubProvider hub={hub}>
          <NotifyProvider>
            <Notices />
            <Routes>
              <Route path="/*" element={page} />
            </Routes>
            <Where />
          </NotifyProvider>
        </HubProvider>
      </MemoryRouter>
    </QueryClientProvider>,
  );
}
