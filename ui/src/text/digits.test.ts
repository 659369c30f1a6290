import { describe, expect, test } from "vitest";
import { erase, groups, isFull, joined, noDigits, place } from "./digits";

const TOKEN = "4821-0937-5566-1203-9987";

describe("the boxes of the token", () => {
  test("a pasted token fills all boxes, whichever box it meets", () => {
    for (const at of [0, 7, 19]) {
      const { digits, next } = place(noDigits, at, ` ${TOKEN}\n`);
      expect(joined(digits)).toBe(TOKEN);
      expect(isFull(digits)).toBe(true);
      expect(next).toBe(19);
    }
  });

  test("a part is distributed from the box it meets, and what does not fit is dropped", () => {
    const { digits, next } = place(noDigits, 17, "12x3-45");
    expect(digits.slice(17)).toEqual(["1", "2", "3"]);
    expect(isFull(digits)).toBe(false);
    expect(next).toBe(19);
  });

  test("what is no digit changes nothing", () => {
    expect(place(noDigits, 3, "abc ٣")).toEqual({ digits: noDigits, next: 3 });
  });

  test("Backspace takes the digit of its box, else the one before", () => {
    const { digits } = place(noDigits, 0, "12");
    expect(erase(digits, 1)).toEqual({ digits: place(noDigits, 0, "1").digits, next: 1 });
    expect(erase(digits, 2).next).toBe(1);
    expect(erase(noDigits, 0)).toEqual({ digits: noDigits, next: 0 });
  });

  test("they stand in five groups of four", () => {
    expect(groups(noDigits).map((group) => group.length)).toEqual([4, 4, 4, 4, 4]);
  });
});
