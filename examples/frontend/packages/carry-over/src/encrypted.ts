import type { AuthContext } from "better-auth";
import { parseEnvelope, symmetricDecodeJWT } from "better-auth/crypto";
import type { Keys } from "./keys.js";

/**
 * Returns the names of the cookies that Better Auth would decrypt, though with a key whose cookies are not accepted.
 *
 * Better Auth decrypts a cookie with any key that it has, also with those that are kept only to read stored data. Whoever
 * has one of these keys, because it leaked and was revoked, could otherwise write a session of any user.
 */
export async function rejected(cookies: Map<string, string>, context: AuthContext, keys: Keys): Promise<string[]> {
  if (!keys.hasRejected) return [];
  const { sessionData, accountData } = context.authCookies;
  const names: string[] = [];
  // Better Auth itself accepts the caches of other strategies under the current key alone.
  if (context.options.session?.cookieCache?.strategy === "jwe")
    names.push(...(await rejectedToken(cookies, sessionData.name, "better-auth-session", keys)));
  names.push(...(await rejectedToken(cookies, accountData.name, "better-auth-account", keys)));
  for (const [name, value] of cookies) {
    const version = parseEnvelope(value)?.version;
    if (version !== undefined && !keys.accepted.keys.has(version)) names.push(name);
  }
  // A state without a version is decrypted with the secret that was used before there was a list.
  const state = context.createAuthCookie("oauth_state").name;
  if (cookies.has(state) && !parseEnvelope(cookies.get(state) ?? "")) names.push(state);
  return names;
}

/** Returns the names of the cookies that hold an encrypted token, whole or in chunks, unless an accepted key decrypts it. */
async function rejectedToken(cookies: Map<string, string>, name: string, salt: string, keys: Keys): Promise<string[]> {
  const chunks = [...cookies.keys()]
    .filter((other) => other.startsWith(`${name}.`) && /^\d+$/.test(other.slice(name.length + 1)))
    .sort((a, b) => Number(a.slice(name.length + 1)) - Number(b.slice(name.length + 1)));
  const names = cookies.has(name) ? [name, ...chunks] : chunks;
  if (names.length === 0) return [];
  const token = cookies.get(name) || chunks.map((chunk) => cookies.get(chunk)).join("");
  return (await symmetricDecodeJWT(token, keys.accepted, salt)) ? [] : names;
}
