import type { CheckResult, Preflight } from "../../api/setup";

/** How one line of the checks is shown: what stops, what is odd, what is well. Pure. */
export type Tone = "stops" | "odd" | "well";

export interface Sorted {
  stops: CheckResult[];
  odd: CheckResult[];
  well: CheckResult[];
  /** How many do not apply here. */
  skipped: number;
}

/** The checks by what they mean for the install; `waived` is what the operator chose on this page. */
export function sorted(checks: readonly CheckResult[], waived: readonly string[]): Sorted {
  const by = (tone: Tone) => checks.filter((check) => toneOf(check, waived) === tone);
  return { stops: by("stops"), odd: by("odd"), well: by("well"), skipped: checks.filter((check) => check.outcome === "skipped").length };
}

export function toneOf(check: CheckResult, waived: readonly string[]): Tone | undefined {
  switch (check.outcome) {
    case "pass":
      return "well";
    case "warn":
    case "unknown":
      return "odd";
    case "fail":
      return mayWaive(check) && waived.includes(check.id) ? "odd" : "stops";
    case "skipped":
      return undefined;
  }
}

/** Whether the operator may go on in spite of it. */
export function mayWaive(check: CheckResult): boolean {
  return check.outcome === "fail" && check.severity === "block" && !check.strict;
}

/** Whether anything stops an install as things stand. */
export function isClear(preflight: Preflight, waived: readonly string[]): boolean {
  return preflight.report !== null && preflight.release?.ok !== false && sorted(preflight.report.checks, waived).stops.length === 0;
}

/** The finding as its name says it: "DNS server 10.0.0.53 does not answer", not "check failed". */
export function finding(check: CheckResult): string {
  return check.measured.startsWith(check.title) ? check.measured : `${check.title}: ${check.measured}`;
}
