/**
 * Carries sessions over from one secret to the next.
 *
 * Better Auth signs and checks its cookies with the first entry of BETTER_AUTH_SECRETS alone, so a new secret would
 * sign everyone out. This plugin looks at each request first: a cookie that was signed with another secret of the list,
 * one whose version is in BETTER_AUTH_COOKIE_VERSIONS, is signed anew with the current one, both for this request and
 * in the browser.
 *
 *   betterAuth({ plugins: [carryOver(), …, nextCookies()] })   // first, so that all others see the new cookie
 *
 * This file depends on Better Auth alone: take it along.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { BetterAuthPlugin } from "better-auth";
import { createAuthMiddleware } from "better-auth/api";

export type CarryOverOptions = {
  /** Versions and secrets, `2:new,1:old`, the current one first; default BETTER_AUTH_SECRETS. */
  secrets?: string;
  /** The versions whose cookies are carried over, `2,1`; default BETTER_AUTH_COOKIE_VERSIONS, and none without it. */
  versions?: string;
};

export function carryOver(options: CarryOverOptions = {}): BetterAuthPlugin {
  const [current, earlier] = keys(
    options.secrets ?? process.env.BETTER_AUTH_SECRETS ?? "",
    options.versions ?? process.env.BETTER_AUTH_COOKIE_VERSIONS ?? "",
  );
  return {
    id: "carry-over",
    hooks: {
      before: [
        {
          matcher: (context) => earlier.length > 0 && Boolean(context.headers?.get("cookie")),
          handler: createAuthMiddleware(async (ctx) => {
            const headers = new Headers(ctx.headers);
            const cookies = parse(headers.get("cookie") ?? "");
            const renewed = new Map<string, string>();
            for (const [name, signed] of cookies) {
              const value = signedBefore(signed, current, earlier);
              if (value !== undefined) renewed.set(name, value);
            }
            if (renewed.size === 0) return;
            for (const [name, value] of renewed) cookies.set(name, `${value}.${signature(value, current)}`);
            headers.set("cookie", serialize(cookies));

            const { sessionToken, dontRememberToken } = ctx.context.authCookies;
            // A session that is not to be remembered ends with the browser: its cookie has no age.
            const forgetful = cookies.has(dontRememberToken.name);
            for (const cookie of [sessionToken, dontRememberToken]) {
              const value = renewed.get(cookie.name);
              if (value === undefined) continue;
              const { maxAge, ...attributes } = cookie.attributes;
              await ctx.setSignedCookie(cookie.name, value, current, forgetful ? attributes : { ...attributes, maxAge });
            }
            return { context: { headers } };
          }),
        },
      ],
    },
  };
}

/** The current secret, and the others whose cookies may be carried over. */
function keys(secrets: string, versions: string): [string, string[]] {
  const allowed = new Set(versions.split(",").map((version) => version.trim()));
  const entries = secrets.split(",").map((entry) => {
    const colon = entry.indexOf(":");
    return { version: entry.slice(0, colon).trim(), secret: entry.slice(colon + 1).trim() };
  });
  const [first, ...others] = entries;
  return [first.secret, others.filter((entry) => allowed.has(entry.version)).map((entry) => entry.secret)];
}

/** The value of a cookie `value.signature` that one of the earlier secrets signed and the current one did not. */
function signedBefore(cookie: string, current: string, earlier: string[]): string | undefined {
  const dot = cookie.lastIndexOf(".");
  if (dot < 1 || cookie.length - dot - 1 !== 44) return undefined;
  const value = cookie.slice(0, dot);
  const given = Buffer.from(cookie.slice(dot + 1));
  const made = (secret: string) => {
    const expected = Buffer.from(signature(value, secret));
    return expected.length === given.length && timingSafeEqual(expected, given);
  };
  return !made(current) && earlier.some(made) ? value : undefined;
}

function signature(value: string, secret: string): string {
  return createHmac("sha256", secret).update(value).digest("base64");
}

/** Cookies by name, the first of a name, decoded where they can be: as Better Auth reads them. */
function parse(header: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, equals).trim();
    if (equals < 1 || cookies.has(name)) continue;
    const value = pair.slice(equals + 1).trim().replace(/^"(.*)"$/, "$1");
    cookies.set(name, decode(value));
  }
  return cookies;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function serialize(cookies: Map<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("; ");
}
