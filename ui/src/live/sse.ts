/** One event of a `text/event-stream`, or a comment (which only shows that the stream lives). */
export type StreamItem = { kind: "event"; event: string; id: string | undefined; data: string } | { kind: "comment" } | { kind: "retry"; ms: number };

/** Longest line that is kept; a server of ours sends a document of a few hundred KiB at most. */
const MAX_BUFFER = 32 * 1024 * 1024;

/**
 * Cuts text that arrives in pieces into events, as the HTML standard says. `EventSource` does so too,
 * but tells its page neither the status of a refusal nor that heartbeats have stopped.
 */
export class StreamReader {
  #rest = "";
  #event = "";
  #id: string | undefined;
  #data: string[] = [];

  /** What is complete after `text`. */
  push(text: string): StreamItem[] {
    this.#rest += text;
    if (this.#rest.length > MAX_BUFFER) throw new Error("the stream sent a line without end");
    // A carriage return at the end may be the first half of a line end.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): StreamItem[] {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return [{ kind: "comment" }];
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    switch (field) {
      case "event":
        this.#event = value;
        return [];
      case "data":
        this.#data.push(value);
        return [];
      case "id":
        this.#id = value;
        return [];
      case "retry":
        return /^\d+$/.test(value) ? [{ kind: "retry", ms: Number(value) }] : [];
      default:
        return [];
    }
  }

  #dispatch(): StreamItem[] {
    const [event, data] = [this.#event || "message", this.#data];
    this.#event = "";
    this.#data = [];
    return data.length === 0 ? [] : [{ kind: "event", event, id: this.#id, data: data.join("\n") }];
  }
}
