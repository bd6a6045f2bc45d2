import "server-only";
import { betterAuth } from "better-auth";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { nextCookies } from "better-auth/next-js";
import { sql } from "drizzle-orm";
import { headers } from "next/headers";
import { carryOver } from "./carry-over";
import { ipHeaders, trustedProxies } from "./client-address";
import { type Database, migrate, openDatabase } from "./database";
import * as schema from "./schema";
import { appURL, trustedOrigins } from "./urls";

export function configure(database: Database) {
  const secure = appURL().startsWith("https:");
  return betterAuth({
    baseURL: appURL(),
    // BETTER_AUTH_SECRETS signs and encrypts; this one only reads what was encrypted before there was a list.
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

// Next.js bundles this file more than once, and PGlite bears one opener alone: the process holds what is opened.
const holder = globalThis as { todoFrontend?: ReturnType<typeof start> };

function started() {
  return (holder.todoFrontend ??= start().catch((error) => {
    holder.todoFrontend = undefined; // the next request tries again
    throw error;
  }));
}

/** Better Auth, once the database is there and up to date. */
export const auth = async () => (await started()).auth;

/** Fails while the database cannot be reached. */
export async function ready(): Promise<void> {
  await (await started()).database.execute(sql`select 1`);
}

/**
 * Whose session the request carries. A page cannot set cookies, so it must not prolong the session either: the browser
 * would be left with the shorter one.
 */
export async function currentUser(prolong: boolean) {
  const api = (await auth()).api;
  const session = await api.getSession({ headers: await headers(), query: { disableRefresh: !prolong } });
  return session?.user;
}
