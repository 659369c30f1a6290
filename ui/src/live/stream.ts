import { ApiFailure, failureOf, unreachable } from "../api/failure";
import { StreamReader, type StreamItem } from "./sse";

/** Longest silence of a stream that says `: alive` every 10 seconds. */
const SILENCE_MS = 25_000;

export interface StreamOptions {
  signal: AbortSignal;
  /** Where to go on, from the last event that was read. */
  lastEventId?: string | undefined;
  onOpen?: () => void;
  onItem: (item: StreamItem) => void;
}

/**
 * Reads a `text/event-stream` of ours until it ends. Resolves when the server closed it; rejects with an
 * {@link ApiFailure} when it was refused, broke, or fell silent, and with the signal's reason when that
 * was aborted.
 */
export async function readStream(path: string, options: StreamOptions): Promise<void> {
  const silence = new AbortController();
  const signal = AbortSignal.any([options.signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  try {
    const body = await open(path, signal, options.lastEventId);
    options.onOpen?.();
    await drain(body, signal, (text, reader) => {
      heard();
      reader.push(text).forEach(options.onItem);
    });
  } catch (thrown) {
    if (thrown instanceof ApiFailure) throw thrown;
    options.signal.throwIfAborted();
    throw unreachable();
  } finally {
    clearTimeout(timer);
  }
}

async function open(path: string, signal: AbortSignal, lastEventId: string | undefined): Promise<ReadableStream<Uint8Array>> {
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (lastEventId) headers["last-event-id"] = lastEventId;
  const response = await fetch(path, { signal, headers, credentials: "same-origin", cache: "no-store" });
  if (!response.ok) throw failureOf(response.status, await response.json().catch(() => undefined), response.headers.get("retry-after"));
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (!isStream || !response.body) throw failureOf(404, { code: "not_found" }, null);
  return response.body;
}

async function drain(body: ReadableStream<Uint8Array>, signal: AbortSignal, onText: (text: string, reader: StreamReader) => void): Promise<void> {
  const reader = new StreamReader();
  const bytes = body.getReader();
  // A read that is waiting ends at once, and as an abort, not as the server's end.
  signal.addEventListener("abort", () => void bytes.cancel().catch(() => undefined), { once: true });
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await bytes.read();
    if (done) return signal.throwIfAborted();
    onText(decoder.decode(value, { stream: true }), reader);
  }
}
