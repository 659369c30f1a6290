/** The lines of a log as they are shown: at most so many, the newest. Pure. */

/** Most lines that are held; the appliance gives no more at once either. */
export const MAX_LINES = 10_000;

export interface Lines {
  /** Oldest first. */
  readonly held: readonly string[];
  /** How many were let go at the beginning. */
  readonly dropped: number;
}

export const noLines: Lines = { held: [], dropped: 0 };

export function append(lines: Lines, more: readonly string[]): Lines {
  if (more.length === 0) return lines;
  const held = [...lines.held, ...more];
  const surplus = Math.max(0, held.length - MAX_LINES);
  return { held: surplus > 0 ? held.slice(surplus) : held, dropped: lines.dropped + surplus };
}

/** Positions of the lines that contain `text`, whatever its case. */
export function matches(held: readonly string[], text: string): number[] {
  const wanted = text.toLowerCase();
  if (wanted === "") return [];
  return held.flatMap((line, at) => (line.toLowerCase().includes(wanted) ? [at] : []));
}

/** A line cut at what was searched: every second piece is a match. */
export function cut(line: string, text: string): string[] {
  const wanted = text.toLowerCase();
  const lower = line.toLowerCase();
  // Few letters change their length with their case; then nothing is marked rather than the wrong thing.
  if (wanted === "" || lower.length !== line.length) return [line];
  const pieces: string[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    pieces.push(line.slice(from, at), line.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  return [...pieces, line.slice(from)];
}

/** The lines in the data of a `line` event: a list, or one line alone. */
export function linesOf(data: string): string[] {
  const parsed: unknown = JSON.parse(data);
  if (typeof parsed === "string") return [plain(parsed)];
  return Array.isArray(parsed) ? parsed.filter((line) => typeof line === "string").map(plain) : [];
}

/** A line without the codes by which programs colour a terminal. */
export function plain(line: string): string {
  return line.includes("\u001b") ? line.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, "") : line;
}
