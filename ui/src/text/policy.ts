/** What a password must be; the server decides, this shows it while one types. Pure. */

export interface Rule {
  id: string;
  text: string;
  met: boolean;
}

/** The characters that the application counts as special. */
const PSA_SPECIAL = `!@#$%^&*(),.?":{}|<>`;
const MANAGEMENT_MAX_BYTES = 256;
const PSA_MAX_BYTES = 1024;

/** The password of these pages: any character that is neither letter nor digit counts as special. */
export function managementRules(password: string): Rule[] {
  const special = /[^A-Za-z0-9\p{Cc}]/u.test(password);
  return rules(password, MANAGEMENT_MAX_BYTES, { id: "special", text: "a character that is neither letter nor digit", met: special });
}

/** The password of the application's administrator; the application has its own list. */
export function psaRules(password: string): Rule[] {
  const special = [...password].some((c) => PSA_SPECIAL.includes(c));
  return rules(password, PSA_MAX_BYTES, { id: "special", text: `one of ${[...PSA_SPECIAL].join(" ")}`, met: special });
}

export function isMet(rules: readonly Rule[]): boolean {
  return rules.every((rule) => rule.met);
}

function rules(password: string, maxBytes: number, special: Rule): Rule[] {
  const all: Rule[] = [
    { id: "length", text: "at least 8 characters", met: password.length >= 8 },
    { id: "lower", text: "a lower-case letter", met: /[a-z]/.test(password) },
    { id: "upper", text: "an upper-case letter", met: /[A-Z]/.test(password) },
    { id: "digit", text: "a digit", met: /[0-9]/.test(password) },
    special,
  ];
  // Rules that nobody breaks by chance are shown only once they are broken.
  const bytes = new TextEncoder().encode(password).length;
  if (bytes > maxBytes) all.push({ id: "bytes", text: `not longer than ${maxBytes} bytes (this one has ${bytes})`, met: false });
  if (password.includes("\0")) all.push({ id: "nul", text: "no NUL character", met: false });
  return all;
}
