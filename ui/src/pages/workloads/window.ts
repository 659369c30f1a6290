/** Which lines of a long log are drawn: those one can see and some around. Pure. */

export interface Slice {
  from: number;
  /** One after the last. */
  to: number;
}

/** Lines drawn above and below what can be seen, so that quick scrolling shows no gap. */
const OVERSCAN = 30;

export function visible(scrollTop: number, height: number, rowHeight: number, count: number): Slice {
  const first = Math.floor(Math.max(0, scrollTop) / rowHeight);
  const last = Math.ceil((Math.max(0, scrollTop) + height) / rowHeight);
  const to = Math.min(count, last + OVERSCAN);
  return { from: Math.max(0, Math.min(first - OVERSCAN, to)), to };
}

/** Whether the end is in sight; then new lines are followed. */
export function isAtEnd(scrollTop: number, height: number, contentHeight: number): boolean {
  return contentHeight - height - scrollTop < 24;
}
