import { describe, expect, test } from "vitest";
import { merge } from "./merge";
import { StreamReader } from "./sse";

describe("the reader of the stream", () => {
  const whole = 'retry: 2000\n\nevent: snapshot\nid: r-1\ndata: {"a":1}\n\n: alive\n\nevent: change\nid: r-2\ndata: {"set":\ndata: {}}\n\n';
  const items = [
    { kind: "retry", ms: 2000 },
    { kind: "event", event: "snapshot", id: "r-1", data: '{"a":1}' },
    { kind: "comment" },
    { kind: "event", event: "change", id: "r-2", data: '{"set":\n{}}' },
  ];

  test("reads the same events however the text is cut", () => {
    for (const text of [whole, whole.replaceAll("\n", "\r\n")]) {
      for (let cut = 1; cut < text.length; cut += 1) {
        const reader = new StreamReader();
        expect([...reader.push(text.slice(0, cut)), ...reader.push(text.slice(cut))], `cut at ${cut}`).toEqual(items);
      }
    }
  });

  test("keeps an event that is not complete to itself", () => {
    expect(new StreamReader().push("event: change\ndata: {}\n")).toEqual([]);
  });
});

describe("merging changes", () => {
  const document = { rollup: { state: "blocked", message: "", nextAction: "" }, plan: null, stale: false } as const;

  test("a snapshot replaces everything, a change only what it names", () => {
    const first = merge(undefined, "snapshot", document);
    expect(first).toEqual(document);
    const next = merge(first, "change", { set: { stale: true }, removed: ["plan"] });
    expect(next).toEqual({ rollup: document.rollup, stale: true });
    expect(next?.rollup).toBe(first?.rollup);
    expect(first).toEqual(document);
  });

  test("what says nothing changes nothing", () => {
    const first = merge(undefined, "snapshot", document);
    for (const [event, data] of [
      ["change", {}],
      ["change", { set: [], removed: "plan" }],
      ["change", null],
      ["end", { reason: "stopping" }],
      ["snapshot", "text"],
    ] as const) {
      expect(merge(first, event, data), event).toBe(first);
    }
    expect(merge(undefined, "change", { set: { stale: true } })).toBeUndefined();
  });
});
