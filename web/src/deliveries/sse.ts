/** One message of a stream of Server-Sent Events. */
export interface Message {
  id: string;
  data: string;
}

/**
 * Reads messages out of the pieces in which a stream arrives, wherever they were cut. EventSource cannot sign its request, so the
 * console reads the stream itself. Comments (heartbeats) and other fields are passed over.
 */
export class MessageReader {
  private rest = "";
  private id = "";
  private data: string[] = [];
  private readonly decoder = new TextDecoder();

  read(piece: Uint8Array): Message[] {
    this.rest += this.decoder.decode(piece, { stream: true });
    const lines = this.rest.split(/\r\n|\n/);
    this.rest = lines.pop() ?? "";
    const out: Message[] = [];
    for (const line of lines) {
      if (line === "") {
        if (this.data.length > 0) {
          out.push({ id: this.id, data: this.data.join("\n") });
        }
        this.data = [];
      } else if (line.startsWith("id:")) {
        this.id = line.slice(3).trimStart();
      } else if (line.startsWith("data:")) {
        this.data.push(line.slice(5).replace(/^ /, ""));
      }
    }
    return out;
  }
}
