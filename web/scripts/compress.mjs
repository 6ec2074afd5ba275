// Writes a .br and a .gz beside each file of the build that shrinks by it, so that the hub sends the smallest form and compresses
// nothing while it serves. Node has both encoders.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const from = new URL("../dist/", import.meta.url).pathname;
const shrinks = /\.(html|js|css|json|svg|txt|map|webmanifest)$/;

for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !shrinks.test(entry.name)) {
    continue;
  }
  const name = join(entry.parentPath, entry.name);
  const text = readFileSync(name);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: text.length };
  for (const [ending, packed] of [
    [".br", brotliCompressSync(text, { params })],
    [".gz", gzipSync(text, { level: constants.Z_BEST_COMPRESSION })],
  ]) {
    if (packed.length < text.length) {
      writeFileSync(name + ending, packed);
    }
  }
}
