import type { ManageStatus } from "../../api/manage";
import { inWords, parseTime } from "../../text/time";

type License = ManageStatus["license"];
type Tone = "success" | "warning" | "danger" | "custom";

const WEEKS_TOLD = 30 * 24 * 3600;

/** What a licence is worth now, in a word and a sentence. Pure. */
export function licence(license: License, now: Date): { status: Tone; word: string; sentence: string } {
  const expires = parseTime(license.expiresAt);
  const left = expires ? (expires.getTime() - now.getTime()) / 1000 : undefined;
  switch (license.status) {
    case "active":
      if (license.perpetual) return { status: "success", word: "Active", sentence: "It has no end." };
      if (left === undefined) return { status: "success", word: "Active", sentence: "When it ends is not known." };
      return { status: left < WEEKS_TOLD ? "warning" : "success", word: "Active", sentence: `It ends in ${inWords(left)}.` };
    case "expired":
      return { status: "danger", word: "Expired", sentence: left === undefined ? "Apply a new key below." : `It ended ${inWords(-left)} ago. Apply a new key below.` };
    case "unknown":
      return { status: "custom", word: "Unknown", sentence: "There is no licence, or it could not be read." };
  }
}

/** The name of an edition, as the setup calls it. */
export function edition(code: string | null | undefined): string {
  if (code === "ee") return "Enterprise";
  return code === "ce" ? "Community" : (code ?? "not known");
}
