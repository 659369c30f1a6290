// @vitest-environment node
import { expect, it } from "vitest";
import { append, cut, linesOf, matches, MAX_LINES, noLines } from "./lines";
import { isAtEnd, visible } from "./window";

it("keeps the newest lines and says how many went", () => {
  const full = append(noLines, Array.from({ length: MAX_LINES }, (_, at) => `line ${at}`));
  expect(full).toMatchObject({ dropped: 0 });
  const more = append(full, ["a", "b"]);
  expect(more.held).toHaveLength(MAX_LINES);
  expect(more.dropped).toBe(2);
  expect(more.held[0]).toBe("line 2");
  expect(more.held.at(-1)).toBe("b");
  expect(append(more, [])).toBe(more);
});

it("finds text whatever its case, and marks each place of it", () => {
  expect(matches(["Error: disk", "fine", "an ERROR"], "error")).toEqual([0, 2]);
  expect(matches(["a"], "")).toEqual([]);
  expect(cut("xERRORyerror", "error")).toEqual(["x", "ERROR", "y", "error", ""]);
  expect(cut("nothing", "error")).toEqual(["nothing"]);
  expect(cut("\u0130x error", "error"), "a letter that grows in lower case").toEqual(["\u0130x error"]);
});

it("reads one line or a list from an event", () => {
  expect(linesOf('"a\\tb"')).toEqual(["a\tb"]);
  expect(linesOf('["a","b",3]')).toEqual(["a", "b"]);
  expect(linesOf("{}")).toEqual([]);
  expect(linesOf(JSON.stringify(["\u001b[1;31mred\u001b[0m text"]))).toEqual(["red text"]);
});

it("draws only what can be seen and a little around", () => {
  expect(visible(0, 400, 20, 10_000)).toEqual({ from: 0, to: 50 });
  expect(visible(100_000, 400, 20, 10_000)).toEqual({ from: 4970, to: 5050 });
  expect(visible(199_600, 400, 20, 10_000)).toEqual({ from: 9950, to: 10_000 });
  expect(visible(199_600, 400, 20, 3), "the log was cut meanwhile").toEqual({ from: 3, to: 3 });
  expect(visible(-50, 400, 20, 0)).toEqual({ from: 0, to: 0 });
});

it("is at the end when the last line is in sight", () => {
  expect(isAtEnd(199_590, 400, 200_000)).toBe(true);
  expect(isAtEnd(199_000, 400, 200_000)).toBe(false);
});
