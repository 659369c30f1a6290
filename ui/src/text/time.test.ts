import { expect, test } from "vitest";
import { elapsed, inWords, parseTime, relative } from "./time";
import { size } from "./size";

const now = new Date("2026-03-01T12:00:00Z");
const before = (seconds: number) => new Date(now.getTime() - seconds * 1000);

test("times are said in words", () => {
  for (const [seconds, words] of [
    [0, "just now"],
    [-9, "just now"],
    [42, "42 seconds ago"],
    [60, "1 minute ago"],
    [179, "2 minutes ago"],
    [3600, "1 hour ago"],
    [3900, "1 hour 5 minutes ago"],
    [86_400 * 2 + 3600, "2 days 1 hour ago"],
    [-120, "in 2 minutes"],
  ] as const) {
    expect(relative(before(seconds), now)).toBe(words);
  }
});

test("running times are short, and never run backwards", () => {
  expect([elapsed(-1), elapsed(59.9), elapsed(65), elapsed(3725)]).toEqual(["0 s", "59 s", "1 min 05 s", "1 h 02 min"]);
  expect(inWords(-5)).toBe("0 seconds");
});

test("a time that cannot be read is none", () => {
  expect(parseTime("2026-03-01T12:00:00.000Z")).toEqual(now);
  for (const text of ["soon", "", null, undefined]) expect(parseTime(text)).toBeUndefined();
});

test("sizes have units", () => {
  expect([size(0), size(1023), size(1536), size(50 * 2 ** 30), size(-1)]).toEqual(["0 B", "1023 B", "1.5 KiB", "50 GiB", "0 B"]);
});
