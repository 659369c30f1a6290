import { ApiFailure, failureOf, tooSlow, unreachable } from "./failure";

/** How one request is made. */
export interface RequestOptions {
  /** Ends the request; its promise is then rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Longest wait for the answer, in seconds. */
  limit?: number;
  /** What a 401 does: `sign-in` asks for the password and repeats the request, `fail` rejects. */
  unauthenticated?: "sign-in" | "fail";
}

/** Asks the operator to sign in again; resolves once that is done, rejects when it is given up. */
export type SignInAgain = (signal?: AbortSignal) => Promise<void>;

const DEFAULT_LIMIT = 30;

let signInAgain: SignInAgain = () => Promise.reject(new ApiFailure(401, "unauthenticated", "Sign in to the appliance first."));

/** Set once by the session; see `session/session.ts`. */
export function onSessionLost(ask: SignInAgain): void {
  signInAgain = ask;
}

/** `GET path` as JSON. */
export function get<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return request<T>("GET", path, undefined, options);
}

/** `POST path` with a JSON body. */
export function post<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
  return request<T>("POST", path, body ?? {}, options);
}

/**
 * One request to the API. A 401 means that nothing was done, so after signing in again the request is
 * repeated as it was, and the page that made it never learns of it.
 */
export async function request<T>(method: string, path: string, body: unknown, options: RequestOptions): Promise<T> {
  for (let again = false; ; again = true) {
    try {
      return await once<T>(method, path, body, options);
    } catch (thrown) {
      if (again || options.unauthenticated === "fail" || !isSignedOut(thrown)) throw thrown;
      await signInAgain(options.signal);
    }
  }
}

/** Whether the session is gone. A wrong password is a 401 too, with another code. */
export function isSignedOut(thrown: unknown): boolean {
  return thrown instanceof ApiFailure && thrown.status === 401 && thrown.code === "unauthenticated";
}

async function once<T>(method: string, path: string, body: unknown, options: RequestOptions): Promise<T> {
  const limit = options.limit ?? DEFAULT_LIMIT;
  const deadline = AbortSignal.timeout(limit * 1000);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  try {
    const init: RequestInit = { method, signal, credentials: "same-origin", cache: "no-store" };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { "content-type": "application/json" };
    }
    return await read<T>(await fetch(path, init));
  } catch (thrown) {
    if (thrown instanceof ApiFailure || options.signal?.aborted) throw thrown;
    throw deadline.aborted ? tooSlow(limit) : unreachable();
  }
}

async function read<T>(response: Response): Promise<T> {
  const text = await response.text();
  const body = parsed(text);
  if (!response.ok) throw failureOf(response.status, body, response.headers.get("retry-after"));
  if (body === undefined) throw new ApiFailure(response.status, "not_json", "The appliance's answer cannot be read.");
  return body as T;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
