/** Why a text is no address for the application, by the server's own rules; nothing when it is one. */
export function addressComplaint(typed: string): string | undefined {
  const address = typed.trim();
  if (address === "") return "The application's address is required, for example https://psa.example.com.";
  if (address.length > 2048) return "The address must be at most 2048 characters long.";
  const scheme = /^https?:\/\//i.exec(address)?.[0];
  if (!scheme && (/^[a-z]+:(?![:\d])/i.test(address) || address.includes("://"))) return "The address must start with http:// or https://.";
  const authority = address.slice(scheme?.length ?? 0).replace(/\/$/, "");
  if (/[/\\?#]/.test(authority)) return "The address must end after the host name and port: no path, query or fragment.";
  if (authority.includes("@")) return "The address must not contain a user name or password.";
  return isHostAndPort(authority) ? undefined : "The address must name a host or IP address (IPv6 in brackets), with an optional port.";
}

function isHostAndPort(authority: string): boolean {
  // A browser would repair spaces and escapes; the server does not.
  if (authority === "" || /[%\s\p{Cc}]/u.test(authority)) return false;
  const port = /:(\d*)$/.exec(authority.replace(/^\[[^\]]*\]/, ""))?.[1];
  if (port !== undefined && Number(port) === 0 && port !== "") return false;
  let host: string;
  try {
    host = new URL(`https://${authority}/`).hostname;
  } catch {
    return false;
  }
  if (host.startsWith("[")) return true;
  if (/^[\d.]+$/.test(host)) return authority.split(":")[0] === host;
  return host.length <= 253 && host.split(".").every((label) => /^(?!-)[\w-]{1,63}(?<!-)$/.test(label));
}
