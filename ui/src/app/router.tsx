import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from "react";

/** The few paths there are need no library: the address bar is the state. */

const listeners = new Set<() => void>();
let navigations = 0;

window.addEventListener("popstate", changed);

function changed(): void {
  navigations += 1;
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The path of the page, without a slash at its end: `/`, `/setup`, `/manage`. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => withoutSlash(window.location.pathname));
}

/** The values after `?`, as text. */
export function useQuery(): string {
  return useSyncExternalStore(subscribe, () => window.location.search);
}

/** Goes to a page of ours. */
export function navigate(to: string, how: { replace?: boolean } = {}): void {
  if (how.replace) window.history.replaceState(null, "", to);
  else window.history.pushState(null, "", to);
  if (!how.replace) window.scrollTo(0, 0);
  changed();
}

/** Whether the viewer came to this page from another of ours; then its heading takes the focus. */
export function cameFromInside(): boolean {
  return navigations > 0;
}

export function withoutSlash(path: string): string {
  const plain = path.replace(/\/+$/, "");
  return plain === "" ? "/" : plain;
}

/** A link to a page of ours, which the browser may still open in a new tab. */
export function Link({ to, onClick, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const otherwise = event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (otherwise) return;
    event.preventDefault();
    navigate(to);
  };
  return <a href={to} onClick={follow} {...rest} />;
}
