import { useCallback, useEffect, useRef, useState } from "react";
import { readEvent, type TailedEvent } from "./event";
import { MessageReader } from "./sse";

/** Opens the stream behind an event, or from now on. The promise fails where the hub refuses. */
export type OpenStream = (ask: { pattern: string; after: string | undefined }, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;

export type TailState = "stopped" | "connecting" | "live";

interface Tail {
  state: TailState;
  /** The newest first. */
  events: TailedEvent[];
  /** Why the stream ended, or was cut. */
  error: string | undefined;
  start: (pattern: string) => void;
  stop: () => void;
  clear: () => void;
}

/** Pauses between attempts after a cut, in milliseconds: longer each time, until something came. */
const pauses = [1_000, 2_000, 5_000, 10_000, 30_000];

/** Follows the live stream until it is stopped. What cuts it (a restart of the hub, the network) is waited out, and no event is missed. */
export function useTail(open: OpenStream, most: number, wait = pauses): Tail {
  const [state, setState] = useState<TailState>("stopped");
  const [events, setEvents] = useState<TailedEvent[]>([]);
  const [error, setError] = useState<string>();
  const running = useRef<AbortController>(undefined);

  const stop = useCallback(() => {
    running.current?.abort();
    running.current = undefined;
    setState("stopped");
  }, []);

  const start = useCallback(
    (pattern: string) => {
      running.current?.abort();
      const control = new AbortController();
      running.current = control;
      setError(undefined);
      const follow = async () => {
        let after: string | undefined;
        for (let failures = 0; !control.signal.aborted; ) {
          setState("connecting");
          try {
            const reader = (await open({ pattern, after }, control.signal)).getReader();
            setState("live");
            const messages = new MessageReader();
            for (;;) {
              const { done, value } = await reader.read();
              if (done || control.signal.aborted) {
                break;
              }
              const came = messages.read(value);
              if (came.length > 0) {
                failures = 0;
                setError(undefined);
                after = came.at(-1)?.id;
                const read = came.map((m) => readEvent(m.id, m.data)).reverse();
                setEvents((old) => [...read, ...old].slice(0, most));
              }
            }
          } catch (e) {
            if (control.signal.aborted) {
              return;
            }
            setError(e instanceof Error ? e.message : String(e));
            if (isRefusal(e)) {
              running.current = undefined;
              setState("stopped");
              return;
            }
          }
          await pause(wait[Math.min(failures++, wait.length - 1)] ?? 1_000, control.signal);
        }
      };
      void follow();
    },
    [open, most, wait],
  );

  useEffect(() => () => running.current?.abort(), []);
  return { state, events, error, start, stop, clear: useCallback(() => setEvents([]), []) };
}

/** Asking again would be answered the same: the hub said no. */
function isRefusal(e: unknown): boolean {
  const status = typeof e === "object" && e !== null && "status" in e ? e.status : undefined;
  return typeof status === "number" && status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
