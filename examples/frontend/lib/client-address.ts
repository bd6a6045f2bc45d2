/**
 * Returns the headers in which Better Auth finds a client's address. Better Auth limits attempts to sign in by address.
 * Clients can send such a header too, so only the last proxy's entry can be trusted. An Ingress controller usually
 * replaces the header with one address. If several proxies each append one, TRUSTED_PROXIES names them.
 */
export const ipHeaders = () => list("CLIENT_IP_HEADERS") ?? ["x-forwarded-for"];

export const trustedProxies = () => list("TRUSTED_PROXIES");

function list(name: string): string[] | undefined {
  const entries = (process.env[name] ?? "").split(",").map((entry) => entry.trim()).filter(Boolean);
  return entries.length > 0 ? entries : undefined;
}
