import "server-only";
import { SignJWT } from "jose";

/** A token for the task API, with its lifetime in seconds. */
export type ApiToken = { token: string; userId: string; expiresIn: number };

const longest = 15 * 60;

/**
 * Signs a token for the task API with the active key, and names the key's version in `kid`. The token contains no e-mail
 * address: Better Auth would accept a token with one, under the same secret, as proof that the address is verified.
 */
export async function mintToken(userId: string, env: Record<string, string | undefined> = process.env): Promise<ApiToken> {
  const secret = env.BETTER_AUTH_SECRET;
  if (!secret) throw new Error("BETTER_AUTH_SECRET is not set");
  const kid = env.BETTER_AUTH_KEY_VERSION;
  const expiresIn = Math.min(longest, seconds(env.JWT_MAX_LIFETIME));
  const now = Math.floor(Date.now() / 1000);
  const token = new SignJWT()
    .setProtectedHeader({ alg: "HS256", typ: "JWT", ...(kid && { kid }) })
    .setSubject(userId)
    .setIssuedAt(now)
    .setExpirationTime(now + expiresIn);
  if (env.JWT_ISSUER) token.setIssuer(env.JWT_ISSUER);
  if (env.JWT_AUDIENCE) token.setAudience(env.JWT_AUDIENCE);
  return { token: await token.sign(new TextEncoder().encode(secret)), userId, expiresIn };
}

const unit: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 1e-3 };

/** Returns the seconds of a duration in Go's format, such as 168h0m0s, or Infinity if there is none. */
function seconds(duration: string | undefined): number {
  if (!duration) return Infinity;
  if (!/^([\d.]+(h|ms|m|s))+$/.test(duration)) throw new Error(`JWT_MAX_LIFETIME is not a duration: ${duration}`);
  const parts = duration.matchAll(/([\d.]+)(h|ms|m|s)/g);
  return Math.floor([...parts].reduce((sum, [, count, name]) => sum + Number(count) * unit[name], 0));
}
