/** The setup token: twenty digits in five groups, one box each. Pure. */

export const TOKEN_DIGITS = 20;
const GROUP = 4;

export type Digits = readonly string[];

export const noDigits: Digits = Array.from({ length: TOKEN_DIGITS }, () => "");

/** The digits after `text` was typed or pasted into box `at`, and the box that is next. */
export function place(digits: Digits, at: number, text: string): { digits: Digits; next: number } {
  const typed = [...text].filter((c) => c >= "0" && c <= "9");
  // A whole token is the whole token, whichever box it is pasted into.
  const from = typed.length >= TOKEN_DIGITS ? 0 : at;
  const placed = [...digits];
  typed.slice(0, TOKEN_DIGITS - from).forEach((digit, offset) => (placed[from + offset] = digit));
  return { digits: placed, next: Math.min(from + typed.length, TOKEN_DIGITS - 1) };
}

/** The digits after Backspace in box `at`: its own digit goes, or where it has none, the one before. */
export function erase(digits: Digits, at: number): { digits: Digits; next: number } {
  const target = digits[at] || at === 0 ? at : at - 1;
  return { digits: digits.map((digit, index) => (index === target ? "" : digit)), next: target };
}

export function isFull(digits: Digits): boolean {
  return digits.every((digit) => digit !== "");
}

/** As the console shows it: `1234-5678-…`. */
export function joined(digits: Digits): string {
  return groups(digits)
    .map((group) => group.join(""))
    .join("-");
}

/** The boxes, four to a group. */
export function groups<T>(boxes: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(boxes.length / GROUP) }, (_, group) => boxes.slice(group * GROUP, (group + 1) * GROUP));
}
