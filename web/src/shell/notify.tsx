import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "react-router";

export type Notice = Pick<FlashbarProps.MessageDefinition, "type" | "header" | "content" | "action">;

interface Told {
  id: string;
  notice: Notice;
  /** How often another page was gone to since. */
  moves: number;
}

const NotifyContext = createContext<{ told: readonly Told[]; notify: (n: Notice) => void; close: (id: string) => void }>({
  told: [],
  notify: () => undefined,
  close: () => undefined,
});

/** How many notices are kept at most. */
const most = 5;

/** Keeps what is told at the top of the page. A form that succeeds tells so and leaves: that is still to be read on the next page, and goes with it. */
export function NotifyProvider({ children }: { children: ReactNode }) {
  const [told, setTold] = useState<readonly Told[]>([]);
  const next = useRef(0);
  const { pathname } = useLocation();
  useEffect(() => {
    setTold((old) => old.map((t) => ({ ...t, moves: t.moves + 1 })).filter((t) => t.moves < 2 || t.notice.type === "error" || t.notice.type === "warning"));
  }, [pathname]);
  const notify = useCallback((notice: Notice) => {
    const id = `${next.current++}`;
    setTold((old) => [{ id, notice, moves: 0 }, ...old.slice(0, most - 1)]);
  }, []);
  const close = useCallback((id: string) => setTold((old) => old.filter((t) => t.id !== id)), []);
  return <NotifyContext value={useMemo(() => ({ told, notify, close }), [told, notify, close])}>{children}</NotifyContext>;
}

export function Notices() {
  const { told, close } = useContext(NotifyContext);
  return (
    <Flashbar
      stackItems
      items={told.map(({ id, notice }) => ({
        ...notice,
        id,
        ariaRole: notice.type === "error" ? "alert" : "status",
        statusIconAriaLabel: notice.type ?? "info",
        dismissible: true,
        dismissLabel: "Close",
        onDismiss: () => close(id),
      }))}
      i18nStrings={{
        ariaLabel: "Notices",
        notificationBarAriaLabel: "Show all notices",
        notificationBarText: "Notices",
        errorIconAriaLabel: "Errors",
        warningIconAriaLabel: "Warnings",
        successIconAriaLabel: "Successes",
        infoIconAriaLabel: "Informations",
        inProgressIconAriaLabel: "Under way",
      }}
    />
  );
}

/** Tells something at the top of the page, until it is closed or read. */
export function useNotify(): (n: Notice) => void {
  return useContext(NotifyContext).notify;
}
