/**
 * Keeps users signed in while the keys of Better Auth are rotated, and keeps revoked keys from signing anybody in.
 *
 *   betterAuth({ plugins: [carryOver(), …, nextCookies()] })   // first, so that all other plugins see the new cookies
 *
 * Better Auth signs and verifies cookies with the first entry of BETTER_AUTH_SECRETS alone, so a new key would sign
 * everyone out. And it decrypts cookies with every entry, so a revoked key that is kept to read stored data could still
 * write a session. This plugin accepts cookies under the current key and under those in BETTER_AUTH_COOKIE_VERSIONS only.
 * It signs accepted cookies again with the current key, both for this request and in the browser, and removes encrypted
 * cookies under any other key.
 */
import type { AuthContext, BetterAuthPlugin } from "better-auth";
import { createAuthMiddleware } from "better-auth/api";
import { rejected } from "./encrypted.js";
import { parse, serialize } from "./header.js";
import { type Keys, parseVersions, sortKeys } from "./keys.js";
import { sign, signedEarlier } from "./signed.js";

export type CarryOverOptions = {
  /** The versions whose cookies are accepted besides the current one, such as `2,1`; default BETTER_AUTH_COOKIE_VERSIONS. */
  versions?: string;
};

/** Returns the plugin. It reads the keys from Better Auth's own configuration, `secrets` or BETTER_AUTH_SECRETS. */
export function carryOver(options: CarryOverOptions = {}): BetterAuthPlugin {
  const versions = parseVersions(options.versions ?? process.env.BETTER_AUTH_COOKIE_VERSIONS ?? "");
  const keysOf = (context: AuthContext) => sortKeys(context.secretConfig, versions);
  /** The cookies that were removed from a request before it reached the hook that answers the browser. */
  const removed = new WeakMap<Request, string[]>();
  return {
    id: "carry-over",
    // Hooks of the application run before those of plugins, and some plugins read the request itself: both get a request
    // from which rejected cookies are gone.
    async onRequest(request, context) {
      const keys = keysOf(context);
      const cookies = parse(request.headers.get("cookie") ?? "");
      if (!keys?.hasRejected || cookies.size === 0) return;
      const names = await rejected(cookies, context, keys);
      const headers = new Headers(request.headers);
      headers.set("cookie", serialize(without(cookies, names)));
      const cleaned = new Request(request, { headers });
      removed.set(cleaned, names);
      return { request: cleaned };
    },
    hooks: {
      before: [
        {
          matcher: (context) => Boolean(context.headers?.get("cookie")) || Boolean(context.request && removed.has(context.request)),
          handler: createAuthMiddleware(async (ctx) => {
            const keys = keysOf(ctx.context);
            if (!keys || !ctx.headers) return;
            const cookies = parse(ctx.headers.get("cookie") ?? "");
            const names = await rejected(cookies, ctx.context, keys);
            const earlier = renew(without(cookies, names), keys);
            // A hook of the application may have read the session from a cookie that is now gone.
            if (names.length > 0) ctx.context.session = null;
            // Hooks that follow read these headers, not those that a hook returns.
            if (keys.hasRejected || earlier.size > 0) ctx.headers.set("cookie", serialize(cookies));
            expire(ctx, [...names, ...((ctx.request && removed.get(ctx.request)) ?? [])]);
            await replace(ctx, cookies, earlier, keys);
            return { context: { headers: new Headers(ctx.headers) } };
          }),
        },
      ],
    },
  };
}

type Context = Parameters<Parameters<typeof createAuthMiddleware>[0]>[0];

/** Removes the cookies of these names. */
function without(cookies: Map<string, string>, names: string[]): Map<string, string> {
  for (const name of names) cookies.delete(name);
  return cookies;
}

/** Signs the cookies that an earlier key signed again with the current one. Returns their values by name. */
function renew(cookies: Map<string, string>, keys: Keys): Map<string, string> {
  const earlier = new Map<string, string>();
  for (const [name, cookie] of cookies) {
    const value = signedEarlier(cookie, keys);
    if (value === undefined) continue;
    earlier.set(name, value);
    cookies.set(name, sign(value, keys.current));
  }
  return earlier;
}

/** Gives the browser its session cookie under the current key, with the attributes that Better Auth would set. */
async function replace(ctx: Context, cookies: Map<string, string>, earlier: Map<string, string>, keys: Keys) {
  const { sessionToken, dontRememberToken } = ctx.context.authCookies;
  // A session that is not remembered ends with the browser, so its cookie has no age.
  const endsWithBrowser = cookies.has(dontRememberToken.name);
  for (const { name, attributes } of [sessionToken, dontRememberToken]) {
    const value = earlier.get(name);
    if (value === undefined) continue;
    const { maxAge, ...others } = attributes;
    await ctx.setSignedCookie(name, value, keys.current, endsWithBrowser ? others : { ...others, maxAge });
  }
}

/** Deletes cookies in the browser. A chunk that stayed there would be joined to those of the next cookie. */
function expire(ctx: Context, names: string[]) {
  const { attributes } = ctx.context.authCookies.sessionData;
  for (const name of new Set(names)) ctx.setCookie(name, "", { ...attributes, maxAge: 0 });
}
