const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** A size with its unit, three digits at most before it: "512 B", "1.5 KiB", "50 GiB". */
export function size(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}
