import { createContext, type ReactNode, useContext } from "react";
import type { Hub } from "./hub";

const HubContext = createContext<Hub | undefined>(undefined);

export function HubProvider({ hub, children }: { hub: Hub; children: ReactNode }) {
  return <HubContext value={hub}>{children}</HubContext>;
}

/** The hub, as who is signed in reaches it. */
export function useHub(): Hub {
  const hub = useContext(HubContext);
  if (hub === undefined) {
    throw new Error("useHub: nobody is signed in");
  }
  return hub;
}
