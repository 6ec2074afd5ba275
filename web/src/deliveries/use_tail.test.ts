import { act, renderHook, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { type OpenStream, useTail } from "./use_tail";

const message = (id: string, title: string) => `id: ${id}\ndata: {"detail":{"findings":[{"Title":"${title}"}]}}\n\n`;

/** Streams that are answered one after another: pieces and an end, or a failure. */
function streams(...answers: (string[] | Error)[]) {
  const asked: { pattern: string; after: string | undefined }[] = [];
  const open: OpenStream = (ask, signal) => {
    asked.push(ask);
    const answer = answers.shift();
    if (answer instanceof Error) {
      return Promise.reject(answer);
    }
    return Promise.resolve(
      new ReadableStream<Uint8Array>({
        start(control) {
          for (const piece of answer ?? []) {
            control.enqueue(new TextEncoder().encode(piece));
          }
          if (answer !== undefined) {
            control.close();
          } else {
            signal.addEventListener("abort", () => control.error(new Error("aborted")));
          }
        },
      }),
    );
  };
  return { open, asked };
}

const noPause = [0];

describe("useTail", () => {
  it("goes on behind the last event when the stream is cut", async () => {
    const { open, asked } = streams([message("A", "one"), message("B", "two")], new Error("network"), [message("C", "three")]);
    const { result } = renderHook(() => useTail(open, 10, noPause));
    act(() => result.current.start('{"source":["x"]}'));
    await waitFor(() => expect(result.current.events.map((e) => e.title)).toEqual(["three", "two", "one"]));
    await waitFor(() => expect(asked.length).toBe(4));
    expect(asked.map((a) => a.after)).toEqual([undefined, "B", "B", "C"]);
    expect(asked[0]?.pattern).toBe('{"source":["x"]}');
    act(() => result.current.stop());
    expect(result.current.state).toBe("stopped");
    expect(result.current.events.length).toBe(3);
  });

  it("ends where the hub refuses, and tells why", async () => {
    const { open, asked } = streams(Object.assign(new Error("This hub has no sink"), { status: 400 }));
    const { result } = renderHook(() => useTail(open, 10, noPause));
    act(() => result.current.start(""));
    await waitFor(() => expect(result.current.error).toBe("This hub has no sink"));
    expect(result.current.state).toBe("stopped");
    expect(asked.length).toBe(1);
  });

  it("keeps the newest", async () => {
    const { open } = streams([Array.from({ length: 9 }, (_, i) => message(`${i}`, `${i}`)).join("")]);
    const { result } = renderHook(() => useTail(open, 3, noPause));
    act(() => result.current.start(""));
    await waitFor(() => expect(result.current.events.map((e) => e.title)).toEqual(["8", "7", "6"]));
  });
});
