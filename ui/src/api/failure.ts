/** Why a request has no result: what the server said of it, or that it could not be asked. */
export class ApiFailure extends Error {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The server's stable word for it; `unreachable` when no answer came. */
  readonly code: string;
  /** A sentence for each field that is wrong. */
  readonly fields: Readonly<Record<string, string>>;
  /** Seconds after which asking again makes sense. */
  readonly retryAfter: number | undefined;
  /** The whole body, for routes that say more. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, sentence: string, more: Partial<More> = {}) {
    super(sentence);
    this.name = "ApiFailure";
    this.status = status;
    this.code = code;
    this.fields = more.fields ?? {};
    this.retryAfter = more.retryAfter;
    this.body = more.body ?? {};
  }

  /** The same failure in other words, where the page knows more than the server. */
  saying(sentence: string): ApiFailure {
    return new ApiFailure(this.status, this.code, sentence, { fields: this.fields, body: this.body });
  }

  /** What to tell the operator. */
  get sentence(): string {
    return this.message;
  }
}

interface More {
  fields: Record<string, string>;
  retryAfter: number;
  body: Record<string, unknown>;
}

/** No answer came: the box is off, restarting, or the network between is gone. */
export function unreachable(): ApiFailure {
  return new ApiFailure(0, "unreachable", "The appliance does not answer. Check that it is on and that this device is on its network.");
}

/** No answer came in time. */
export function tooSlow(seconds: number): ApiFailure {
  return new ApiFailure(0, "unreachable", `The appliance has not answered within ${seconds} seconds.`);
}

/** Reads the envelope `{"error", "code", …}`; an answer without one is told by its status. */
export function failureOf(status: number, body: unknown, retryAfterHeader: string | null): ApiFailure {
  const said = isRecord(body) ? body : {};
  const code = typeof said["code"] === "string" ? said["code"] : `http_${status}`;
  const sentence = typeof said["error"] === "string" ? said["error"] : `The appliance answered with status ${status}.`;
  return new ApiFailure(status, code, sentence, {
    body: said,
    fields: sentences(said["fields"]),
    ...seconds(said["retryAfterSeconds"], retryAfterHeader),
  });
}

/** Anything thrown, as a failure that can be shown. */
export function asFailure(thrown: unknown): ApiFailure {
  return thrown instanceof ApiFailure ? thrown : new ApiFailure(0, "page_error", "This page met an error of its own. Reload it; nothing was changed on the appliance.");
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sentences(fields: unknown): Record<string, string> {
  if (!isRecord(fields)) return {};
  return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function seconds(inBody: unknown, header: string | null): { retryAfter?: number } {
  const value = typeof inBody === "number" ? inBody : Number.parseInt(header ?? "", 10);
  return Number.isFinite(value) && value >= 0 ? { retryAfter: value } : {};
}
