import type { Hub } from "../api/hub";
import type { Column } from "./columns";
import type { Finding } from "./finding";

export type Format = "ndjson" | "csv";

/** A cell that a spreadsheet takes as text: what it would compute gets an apostrophe before it. */
export function csvCell(text: string): string {
  const guarded = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

/** Lines of findings become lines of a table. */
export function toCSV(columns: readonly Column[]): TransformStream<string, string> {
  let rest = "";
  return new TransformStream({
    start(out) {
      out.enqueue(csvLine(columns.map((c) => c.header)));
    },
    transform(text, out) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      out.enqueue(
        lines
          .filter((l) => l !== "")
          .map((l) => {
            const finding = JSON.parse(l) as Finding;
            return csvLine(columns.map((c) => c.text(finding)));
          })
          .join(""),
      );
    },
    flush() {
      if (rest !== "") {
        throw new Error("The hub's answer ended in the middle of a finding.");
      }
    },
  });
}

interface FilePicker {
  showSaveFilePicker?: (o: { suggestedName: string }) => Promise<{ createWritable: () => Promise<WritableStream<Uint8Array>> }>;
}

/** More than this is not gathered in the page's memory. */
const mostInMemory = 512 * 1024 * 1024;

/** Saves every finding of a condition as a file; false where the person chose no place. Where the browser can write to a file, nothing is gathered in memory. */
export async function download(hub: Hub, where: string, format: Format, columns: readonly Column[], signal: AbortSignal): Promise<boolean> {
  const name = `findings.${format}`;
  const picker = (window as FilePicker).showSaveFilePicker?.bind(window);
  let file: WritableStream<Uint8Array> | undefined;
  if (picker !== undefined) {
    try {
      file = await (await picker({ suggestedName: name })).createWritable();
    } catch (e) {
      if (e instanceof DOMException && e.name === "AbortError") {
        return false;
      }
      throw e;
    }
  }
  const answer = await hub.stream("findings/export", where === "" ? {} : { where }, signal);
  const bytes = format === "csv" ? answer.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).pipeThrough(toCSV(columns)).pipeThrough(new TextEncoderStream()) : answer;
  if (file !== undefined) {
    await bytes.pipeTo(file, { signal });
    return true;
  }
  save(name, await gather(bytes));
  return true;
}

async function gather(bytes: ReadableStream<Uint8Array>): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = bytes.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return new Blob(parts);
    }
    size += value.length;
    if (size > mostInMemory) {
      await reader.cancel();
      throw new Error("That is more than a page can hold. Narrow the filter, or use: hubcap export --where '…' -o findings.ndjson");
    }
    parts.push(value as Uint8Array<ArrayBuffer>);
  }
}

function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
