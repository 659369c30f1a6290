import { afterEach, expect, test, vi } from "vitest";
import { get, onSessionLost, post } from "./client";
import { ApiFailure } from "./failure";

afterEach(() => vi.unstubAllGlobals());

const answers = (...responses: (Response | Error)[]) => {
  const fetch = vi.fn(() => {
    const next = responses.shift();
    return next instanceof Error || !next ? Promise.reject(next ?? new Error("asked too often")) : Promise.resolve(next);
  });
  vi.stubGlobal("fetch", fetch);
  return fetch;
};
const json = (body: unknown, status = 200, headers = {}) => new Response(JSON.stringify(body), { status, headers });

test("a failure has the server's word, its sentence, its fields and when to ask again", async () => {
  answers(json({ error: "Company name is required.", code: "invalid_inputs", fields: { tenantName: "Company name is required.", x: 1 } }, 400));
  await expect(post("/api/setup")).rejects.toMatchObject({ status: 400, code: "invalid_inputs", message: "Company name is required.", fields: { tenantName: "Company name is required." } });
  answers(json({ error: "Locked.", code: "locked_out", retryAfterSeconds: 60 }, 429, { "retry-after": "61" }));
  await expect(get("/x")).rejects.toMatchObject({ code: "locked_out", retryAfter: 60 });
  answers(new Response("<html>", { status: 502, headers: { "retry-after": "5" } }));
  await expect(get("/x")).rejects.toMatchObject({ code: "http_502", retryAfter: 5 });
});

test("no answer is a failure of its own", async () => {
  answers(new TypeError("refused"));
  await expect(get("/x")).rejects.toMatchObject({ status: 0, code: "unreachable" });
});

test("an answer that is no JSON is not taken for one", async () => {
  answers(new Response("<html>"));
  await expect(get("/x")).rejects.toMatchObject({ code: "not_json" });
});

test("a request that met the end of the session is repeated once, with the same body", async () => {
  const signIn = vi.fn(() => Promise.resolve());
  onSessionLost(signIn);
  const lost = () => json({ error: "Sign in.", code: "unauthenticated" }, 401);
  const fetch = answers(lost(), json({ ok: true }));
  await expect(post("/api/setup", { a: 1 })).resolves.toEqual({ ok: true });
  expect(fetch.mock.calls.map((call: unknown[]) => (call[1] as RequestInit).body)).toEqual(['{"a":1}', '{"a":1}']);
  answers(lost(), lost());
  await expect(get("/x")).rejects.toBeInstanceOf(ApiFailure);
  expect(signIn).toHaveBeenCalledTimes(2);
});

test("a wrong password is no lost session", async () => {
  const signIn = vi.fn(() => Promise.resolve());
  onSessionLost(signIn);
  answers(json({ error: "That is not it.", code: "wrong_password" }, 401));
  await expect(post("/api/auth/change-password")).rejects.toMatchObject({ code: "wrong_password" });
  expect(signIn).not.toHaveBeenCalled();
});
