// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StatusStore } from "./status";

type Answer = () => Response | Promise<Response>;

/** What `fetch` answers for each path, in turn; the last answer stays. */
let answers: Record<string, Answer[]>;
let asked: string[];
let store: StatusStore;
let leave: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path);
    const queue = answers[path] ?? [];
    const next = queue.length > 1 ? queue.shift() : queue[0];
    return next ? Promise.resolve().then(next) : Promise.reject(new TypeError("no network"));
  });
  store = new StatusStore();
});

afterEach(() => {
  leave();
  store.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const gone = () => json({ error: "There is nothing at this address.", code: "not_found" }, 404);
const stream = (text: string) => new Response(new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode(text)) }), { headers: { "content-type": "text/event-stream" } });

const watch = () => void (leave = store.subscribe(() => {}));
const settled = () => vi.advanceTimersByTimeAsync(0);

test("the stream's changes are merged as they come", async () => {
  answers = { "/api/status/stream": [() => stream('event: snapshot\nid: a-1\ndata: {"stale":false,"x":1}\n\nevent: change\nid: a-2\ndata: {"set":{"stale":true},"removed":["x"]}\n\n')] };
  watch();
  await settled();
  expect(store.state()).toMatchObject({ connection: "live", document: { stale: true } });
  expect(store.state().document).not.toHaveProperty("x");
});

test("where there is no stream the status is asked for every 15 seconds", async () => {
  answers = { "/api/status/stream": [gone], "/api/status": [() => json({ stale: false }), () => json({ stale: true })] };
  watch();
  await settled();
  expect(store.state()).toMatchObject({ connection: "polling", document: { stale: false } });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(store.state()).toMatchObject({ connection: "polling", document: { stale: true } });
  expect(asked).toEqual(["/api/status/stream", "/api/status", "/api/status"]);
});

test("a connection that is gone is said, with the last document and its time, and comes back by itself", async () => {
  answers = { "/api/status/stream": [() => stream('event: snapshot\ndata: {"stale":false}\n\n')] };
  watch();
  await settled();
  answers = {};
  // The heartbeat stops: after 25 seconds of silence nobody is believed to be there.
  await vi.advanceTimersByTimeAsync(26_000);
  const { connection, document, lastSeen } = store.state();
  expect({ connection, document }).toEqual({ connection: "lost", document: { stale: false } });
  expect(lastSeen).toBeInstanceOf(Date);
  answers = { "/api/status/stream": [() => stream('event: snapshot\ndata: {"stale":true}\n\n')] };
  await vi.advanceTimersByTimeAsync(10_000);
  expect(store.state()).toMatchObject({ connection: "live", document: { stale: true } });
});

test("nothing is asked once nobody looks", async () => {
  answers = { "/api/status/stream": [gone], "/api/status": [() => json({})] };
  watch();
  await settled();
  leave();
  await vi.advanceTimersByTimeAsync(6_000);
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(120_000);
  expect(asked.length).toBe(before);
});
