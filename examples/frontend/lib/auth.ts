import "server-only";
import { betterAuth } from "better-auth";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { nextCookies } from "better-auth/next-js";
import { carryOver } from "better-auth-carry-over";
import { sql } from "drizzle-orm";
import { headers } from "next/headers";
import { ipHeaders, trustedProxies } from "./client-address";
import { type Database, migrate, openDatabase } from "./database";
import * as schema from "./schema";
import { appURL, trustedOrigins } from "./urls";

export function configure(database: Database) {
  const secure = appURL().startsWith("https:");
  return betterAuth({
    baseURL: appURL(),
    // BETTER_AUTH_SECRETS signs and encrypts. This secret only decrypts data from before the list existed.
    secret: process.env.BETTER_AUTH_LEGACY_SECRET || process.env.BETTER_AUTH_SECRET,
    database: drizzleAdapter(database, { provider: "pg", schema }),
    emailAndPassword: { enabled: true, requireEmailVerification: false },
    session: {
      expiresIn: 60 * 60 * 24 * 7,
      updateAge: 60 * 60 * 24,
      cookieCache: { enabled: true, maxAge: 60 * 5 },
    },
    trustedOrigins: trustedOrigins(),
    advanced: {
      useSecureCookies: secure,
      cookiePrefix: "better-auth",
      defaultCookieAttributes: { sameSite: "lax", httpOnly: true, secure, path: "/" },
      ipAddress: { ipAddressHeaders: ipHeaders(), trustedProxies: trustedProxies() },
    },
    telemetry: { enabled: false },
    plugins: [carryOver(), nextCookies()],
  });
}

async function start() {
  const database = await openDatabase();
  await migrate(database);
  return { database, auth: configure(database) };
}

// Next.js bundles this file several times, but PGlite can be opened only once: the bundles share one holder.
const holder = globalThis as { todoFrontend?: ReturnType<typeof start> };

function started() {
  return (holder.todoFrontend ??= start().catch((error) => {
    holder.todoFrontend = undefined; // so that the next request tries again
    throw error;
  }));
}

/** Returns Better Auth once the database can be reached and is up to date. */
export const auth = async () => (await started()).auth;

/** Throws if the database cannot be reached. */
export async function ready(): Promise<void> {
  await (await started()).database.execute(sql`select 1`);
}

/**
 * Returns the signed-in user for a page. A page cannot set cookies, so it does not prolong the session: the browser would
 * keep the cookie that expires earlier.
 */
export const pageUser = () => sessionUser({ disableRefresh: true });

/**
 * Returns the signed-in user for a token. It reads the session from the database, not from the cache in a cookie: once a
 * session has ended there, it gets no further token.
 */
export const tokenUser = () => sessionUser({ disableCookieCache: true });

async function sessionUser(query: { disableRefresh?: boolean; disableCookieCache?: boolean }) {
  const session = await (await auth()).api.getSession({ headers: await headers(), query });
  return session?.user;
}
