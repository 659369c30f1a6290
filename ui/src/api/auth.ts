import { get, post } from "./client";

/** Where the box and this browser stand. */
export interface AuthState {
  phase: "needs-token" | "needs-password" | "credential-error" | "authenticated";
  mode: "setup" | "status";
  setupReEditable: boolean;
  tokenRedeemed: boolean;
  stateUnreadable?: boolean;
}

export const authState = (signal?: AbortSignal) => get<AuthState>("/api/auth/state", { signal, limit: 10, unauthenticated: "fail" });

const open = { unauthenticated: "fail" } as const;

export const redeemToken = (token: string) => post<{ ok: true }>("/api/auth/redeem-token", { token }, open);

/** Chooses the first password, with the ticket that redeeming the token left in a cookie. */
export const setPassword = (password: string, passwordConfirm: string) =>
  post<{ ok: true }>("/api/auth/set-password", { password, passwordConfirm }, open);

export const login = (password: string) => post<{ ok: true }>("/api/auth/login", { password }, open);

export const logout = () => post<{ ok: true }>("/api/auth/logout", {}, open);

export const logoutAll = () => post<{ ok: true }>("/api/auth/logout-all");

export const changePassword = (currentPassword: string, newPassword: string, passwordConfirm: string) =>
  post<{ ok: true }>("/api/auth/change-password", { currentPassword, newPassword, passwordConfirm });
