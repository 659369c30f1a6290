import type { SetupConfig } from "../../api/setup";
import { addressComplaint } from "../../text/address";
import { isMet, psaRules } from "../../text/policy";

/** What the wizard asks, as text fields hold it. Pure: the page and its storage are elsewhere. */
export interface Answers {
  licenseMode: "code" | "manual";
  installCode: string;
  licenseKey: string;
  editionChoice: string;
  tenantName: string;
  adminFirstName: string;
  adminLastName: string;
  adminEmail: string;
  adminPassword: string;
  adminPasswordConfirm: string;
  channel: string;
  releaseRef: string;
  appHostname: string;
  dnsMode: string;
  dnsServers: string;
  waivedChecks: string[];
}

export type AnswerName = keyof Answers;
export type Complaints = Partial<Record<AnswerName, string>>;

/** What never leaves the memory of the page but in a submission. */
export const SECRETS = ["installCode", "licenseKey", "adminPassword", "adminPasswordConfirm"] as const;

/** What stands under "Advanced". */
export const ADVANCED: readonly AnswerName[] = ["channel", "releaseRef", "appHostname", "dnsMode", "dnsServers"];

const EMPTY: Answers = {
  licenseMode: "code",
  installCode: "",
  licenseKey: "",
  editionChoice: "ee",
  tenantName: "",
  adminFirstName: "",
  adminLastName: "",
  adminEmail: "",
  adminPassword: "",
  adminPasswordConfirm: "",
  channel: "stable",
  releaseRef: "",
  appHostname: "",
  dnsMode: "system",
  dnsServers: "",
  waivedChecks: [],
};

/** What the box fills in before anything is typed. */
export function suggested(config: SetupConfig): Answers {
  return { ...EMPTY, ...config.defaults };
}

/** What may be kept for another load of the page: everything that is no secret. */
export function keepable(answers: Answers): string {
  return JSON.stringify(Object.fromEntries(Object.entries(answers).filter(([name]) => !isSecret(name))));
}

/** The answers after another load of the page; what cannot be read is as if nothing was kept. */
export function restored(kept: string | null, base: Answers): Answers {
  if (!kept) return base;
  try {
    const read: unknown = JSON.parse(kept);
    if (typeof read !== "object" || read === null) return base;
    const known = Object.entries(read).filter(([name, value]) => name in EMPTY && !isSecret(name) && sameType(value, EMPTY[name as AnswerName]));
    return { ...base, ...Object.fromEntries(known) };
  } catch {
    return base;
  }
}

function isSecret(name: string): boolean {
  return (SECRETS as readonly string[]).includes(name);
}

function sameType(value: unknown, example: unknown): boolean {
  return Array.isArray(example) ? Array.isArray(value) && value.every((item) => typeof item === "string") : typeof value === typeof example;
}

/** The body of a submission: only what belongs to the chosen licence and DNS. */
export function submission(answers: Answers): Record<string, unknown> {
  const { installCode, licenseKey, editionChoice, dnsServers, ...rest } = answers;
  const licence = answers.licenseMode === "code" ? { installCode } : { editionChoice, ...(licenseKey.trim() && { licenseKey }) };
  return { ...rest, ...licence, dnsServers: answers.dnsMode === "custom" ? dnsServers : "" };
}

/** The part of it that the checks of the network need; never a secret. */
export function networkAnswers(answers: Answers): Record<string, unknown> {
  const { channel, releaseRef, dnsMode, waivedChecks } = answers;
  return { channel, releaseRef, dnsMode, dnsServers: dnsMode === "custom" ? answers.dnsServers : "", waivedChecks };
}

/** The administrator whose password the box keeps sealed since the last submission; empty when there is none. */
export function keptAdministrator(config: SetupConfig): string {
  return config.passwordKept ? (config.defaults.adminEmail ?? "") : "";
}

/** Whether the password that is kept is used: none is typed, and the administrator is the same. */
export function usesKept(answers: Answers, kept: string): boolean {
  const isBlank = answers.adminPassword === "" && answers.adminPasswordConfirm === "";
  return kept !== "" && isBlank && answers.adminEmail.trim().toLowerCase() === kept;
}

/** What is wrong as far as this page can tell; the server has the last word. */
export function complaints(answers: Answers, kept = ""): Complaints {
  const found: Complaints = {};
  const need = (name: AnswerName, sentence: string) => {
    if (String(answers[name]).trim() === "") found[name] = sentence;
  };
  if (answers.licenseMode === "code") found.installCode = codeComplaint(answers.installCode);
  if (answers.licenseMode === "manual" && answers.licenseKey.trim()) found.licenseKey = keyComplaint(answers.licenseKey);
  need("tenantName", "Company name is required.");
  need("adminFirstName", "First name is required.");
  need("adminLastName", "Last name is required.");
  found.adminEmail = emailComplaint(answers.adminEmail);
  if (!usesKept(answers, kept) && !isMet(psaRules(answers.adminPassword))) found.adminPassword = "The password is not yet as it must be.";
  if (answers.adminPasswordConfirm !== answers.adminPassword) found.adminPasswordConfirm = "The two passwords are not the same.";
  found.appHostname = addressComplaint(answers.appHostname);
  if (answers.dnsMode === "custom") need("dnsServers", "Name at least one DNS server, or use those of this box.");
  return Object.fromEntries(Object.entries(found).filter(([, sentence]) => sentence !== undefined));
}

function codeComplaint(typed: string): string | undefined {
  const code = typed.replaceAll(/[\s-]/g, "");
  if (code === "") return "The install code is required. Without one, choose “I have a licence key or no code”.";
  return /^[A-Za-z0-9]{4,64}$/.test(code) ? undefined : "The install code must be 4 to 64 letters and digits.";
}

function keyComplaint(typed: string): string | undefined {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(typed.trim()) ? undefined : "The licence key must be three parts of letters, digits, “-” and “_”, joined by dots.";
}

function emailComplaint(typed: string): string | undefined {
  const address = typed.trim();
  if (address === "") return "E-mail address is required.";
  return /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(address) ? undefined : "E-mail address must look like name@example.com.";
}

/** The first field, in the order of the form, that has a complaint. */
export function firstComplaint(found: Complaints): AnswerName | undefined {
  return (Object.keys(EMPTY) as AnswerName[]).find((name) => found[name]);
}
