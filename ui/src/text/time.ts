/** Times as people say them, with the exact one for a tooltip. Pure: "now" is always given. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A server's time, or nothing when there is none or it cannot be read. */
export function parseTime(text: string | null | undefined): Date | undefined {
  if (!text) return undefined;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** "just now", "3 minutes ago", "in 2 hours", "5 days ago". */
export function relative(time: Date, now: Date): string {
  const seconds = (now.getTime() - time.getTime()) / 1000;
  const far = Math.abs(seconds);
  // The clocks of box and viewer differ a little: a few seconds ahead are not the future.
  if (far < 10) return "just now";
  const words = inWords(far);
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

/** "42 seconds", "3 minutes", "1 hour 5 minutes", "2 days": at most two units. */
export function inWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < MINUTE) return count(whole, "second");
  if (whole < HOUR) return count(Math.floor(whole / MINUTE), "minute");
  if (whole < DAY) return two(Math.floor(whole / HOUR), "hour", Math.floor((whole % HOUR) / MINUTE), "minute");
  return two(Math.floor(whole / DAY), "day", Math.floor((whole % DAY) / HOUR), "hour");
}

/** A running time, short enough to stand at the end of a line: "42 s", "3 min 05 s", "1 h 05 min". */
export function elapsed(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${pad(whole % MINUTE)} s`;
  return `${Math.floor(whole / HOUR)} h ${pad(Math.floor((whole % HOUR) / MINUTE))} min`;
}

/** "14:02:10" in the viewer's zone. */
export function clockTime(time: Date): string {
  return new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(time);
}

/** The exact time in the viewer's zone, with that zone's name. */
export function exact(time: Date): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" }).format(time);
}

function count(value: number, unit: string): string {
  return `${value} ${unit}${value === 1 ? "" : "s"}`;
}

function two(major: number, majorUnit: string, minor: number, minorUnit: string): string {
  return minor === 0 ? count(major, majorUnit) : `${count(major, majorUnit)} ${count(minor, minorUnit)}`;
}
