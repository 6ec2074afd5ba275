import { expect, it } from "vitest";
import { columns } from "./columns";
import { csvLine, toCSV } from "./download";

async function through(chunks: string[]): Promise<string> {
  const stream = toCSV(columns.filter((c) => ["severity", "title", "resource"].includes(c.id)));
  const writer = stream.writable.getWriter();
  const written = (async () => {
    for (const c of chunks) {
      await writer.write(c);
    }
    await writer.close();
  })();
  written.catch(() => undefined);
  let out = "";
  const reader = stream.readable.getReader();
  for (let r = await reader.read(); !r.done; r = await reader.read()) {
    out += r.value;
  }
  await written;
  return out;
}

it("makes a line of each finding, wherever the pieces end", async () => {
  const text = `{"Title":"a, \\"b\\"","Severity":{"Label":"HIGH"},"Resources":[{"Id":"r"}]}\n{"Title":"=1+1"}\n`;
  const want = 'Severity,Title,Resource\r\nHIGH,"a, ""b""",r\r\n,\'=1+1,\r\n';
  expect(await through([text])).toBe(want);
  expect(await through([...text])).toBe(want);
});

it("tells an answer that was cut off", async () => {
  await expect(through(['{"Title":"a"}\n{"Tit'])).rejects.toThrow("in the middle of a finding");
});

it.each(["=a", "+a", "-a", "@a", "\ta", "\ra"])("keeps %j from being computed", (text) => {
  expect(csvLine([text]).replaceAll('"', "")).toBe(`'${text}\r\n`);
});
