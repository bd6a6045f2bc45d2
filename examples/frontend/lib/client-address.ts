/**
 * Where Better Auth finds the address of a client, by which it limits attempts to sign in. Anyone can send such a header:
 * it counts for what the last proxy says. An Ingress controller usually puts the client's address, one, in the place of
 * what came; where several proxies each add theirs, TRUSTED_PROXIES names them, by address or range.
 */
export const ipHeaders = () => list("CLIENT_IP_HEADERS") ?? ["x-forwarded-for"];

export const trustedProxies = () => list("TRUSTED_PROXIES");

function list(name: string): string[] | undefined {
  const entries = (process.env[name] ?? "").split(",").map((entry) => entry.trim()).filter(Boolean);
  return entries.length > 0 ? entries : undefined;
}
