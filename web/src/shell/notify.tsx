import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";

export type Notice = Pick<FlashbarProps.MessageDefinition, "type" | "header" | "content" | "action">;

const NotifyContext = createContext<{ items: FlashbarProps.MessageDefinition[]; notify: (n: Notice) => void }>({ items: [], notify: () => undefined });

export function NotifyProvider({ children }: { children: ReactNode }) {
  const [items, setItems] = useState<FlashbarProps.MessageDefinition[]>([]);
  const next = useRef(0);
  const notify = useCallback((n: Notice) => {
    const id = `${next.current++}`;
    setItems((old) => [{ ...n, id, dismissible: true, dismissLabel: "Close", onDismiss: () => setItems((now) => now.filter((i) => i.id !== id)) }, ...old.slice(0, 4)]);
  }, []);
  return <NotifyContext value={useMemo(() => ({ items, notify }), [items, notify])}>{children}</NotifyContext>;
}

export function Notices() {
  return <Flashbar items={useContext(NotifyContext).items} stackItems />;
}

/** Tells something at the top of the page, until it is closed. */
export function useNotify(): (n: Notice) => void {
  return useContext(NotifyContext).notify;
}
