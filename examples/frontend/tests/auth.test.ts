import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import "next/dist/server/node-environment-baseline.js"; // Next.js finds AsyncLocalStorage where this puts it
import { symmetricDecrypt, symmetricEncrypt } from "better-auth/crypto";
import { sql } from "drizzle-orm";
import { workAsyncStorage } from "next/dist/server/app-render/work-async-storage.external.js";
import { workUnitAsyncStorage } from "next/dist/server/app-render/work-unit-async-storage.external.js";
import { createRequestStoreForAPI } from "next/dist/server/async-storage/request-store.js";
import { NextRequest } from "next/server";
import type { Database } from "@/lib/database";

// Rate limits and secure defaults apply in production only.
Object.assign(process.env, { NODE_ENV: "production" });
const { configure, pageUser, tokenUser } = await import("@/lib/auth");
const { migrate, openDatabase } = await import("@/lib/database");

const one = "first-secret-0123456789-abcdefghijklmnopqr";
const two = "second-secret-0123456789-abcdefghijklmnop";
const url = "http://todo.example.com";
const day = 24 * 60 * 60;

const folder = mkdtempSync(join(tmpdir(), "frontend-"));
let database: Database;
let people = 0;

before(async () => {
  database = await openDatabase({ PGLITE_DIR: folder });
  await migrate(database);
});
after(() => rmSync(folder, { recursive: true }));

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/^(BETTER_AUTH|NEXT_PUBLIC|TRUSTED|CLIENT)_/.test(name)) delete process.env[name];
});

type Auth = ReturnType<typeof configure>;

/** Starts a frontend with these settings, and makes lib/auth.ts use it. */
function frontend(settings: Record<string, string> = {}): Auth {
  Object.assign(process.env, { BETTER_AUTH_URL: url, BETTER_AUTH_SECRETS: `1:${one}`, BETTER_AUTH_COOKIE_VERSIONS: "1,2", BETTER_AUTH_SECRET: one, ...settings });
  const auth = configure(database);
  Object.assign(globalThis, { todoFrontend: Promise.resolve({ database, auth }) });
  return auth;
}

/** A browser with its own address, so that rate limits apply to each browser separately. */
class Browser {
  readonly cookies = new Map<string, string>();
  set = new Map<string, string>();
  readonly account = { name: "Ada", email: `ada-${++people}@example.com`, password: "correct horse battery" };
  readonly address = `192.0.2.${people}`;

  async post(auth: Auth, path: string, body: object, headers: Record<string, string> = {}) {
    const base = process.env.BETTER_AUTH_URL!;
    const sent = { "content-type": "application/json", origin: base, "x-forwarded-for": this.address, cookie: this.header(), ...headers };
    if (!sent.cookie) delete (sent as Record<string, string>).cookie;
    const response = await auth.handler(new Request(`${base}/api/auth${path}`, { method: "POST", headers: sent, body: JSON.stringify(body) }));
    this.keep(response.headers.getSetCookie());
    return response;
  }

  async signUp(auth: Auth) {
    assert.equal((await this.post(auth, "/sign-up/email", this.account)).status, 200);
    return this;
  }

  /** Returns the signed-in user's e-mail address as app/token/route.ts reads it, within a request to Next.js. */
  async who(read = tokenUser) {
    this.set.clear();
    const request = new NextRequest(`${url}/token`, { headers: { cookie: this.header() } });
    const tags = { tags: [], expirationsByCacheKind: new Map() };
    const store = createRequestStoreForAPI(request, request.nextUrl, tags, (lines) => this.keep(lines), undefined, undefined);
    const work = { route: "/token" } as NonNullable<ReturnType<typeof workAsyncStorage.getStore>>;
    return (await workAsyncStorage.run(work, () => workUnitAsyncStorage.run(store, read)))?.email;
  }

  header() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  keep(lines: string[]) {
    for (const line of lines) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      this.set.set(name, line);
      if (/max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}

const sessionCookie = "better-auth.session_token";
const cacheCookie = "better-auth.session_data";

test("a session lasts for seven days, in a cookie that scripts cannot read; its cache for five minutes", async () => {
  const browser = await new Browser().signUp(frontend());
  assert.match(browser.set.get(sessionCookie)!, /; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/);
  assert.match(browser.set.get(cacheCookie)!, /; Max-Age=300; Path=\/; HttpOnly; SameSite=Lax$/);
});

test("behind https cookies are Secure, in name too", async () => {
  const browser = await new Browser().signUp(frontend({ BETTER_AUTH_URL: "https://todo.example.com" }));
  assert.deepEqual([...browser.set.keys()].sort(), [`__Secure-${cacheCookie}`, `__Secure-${sessionCookie}`]);
  for (const line of browser.set.values()) assert.match(line, /; Secure/);
});

test("a session that is used is prolonged once a day", async () => {
  const browser = await new Browser().signUp(frontend());
  const aged = async (seconds: number) => {
    await database.execute(sql`update session set expires_at = now() + make_interval(secs => ${7 * day - seconds}),
      updated_at = now() - make_interval(secs => ${seconds}) where user_id = (select id from "user" where email = ${browser.account.email})`);
    browser.cookies.delete(cacheCookie);
    assert.equal(await browser.who(), browser.account.email);
    return browser.set.has(sessionCookie);
  };
  assert.equal(await aged(day - 60), false);
  assert.equal(await aged(day + 60), true);
  assert.match(browser.set.get(sessionCookie)!, /Max-Age=604800/);
});

test("requests of other sites are refused, those of this one and of NEXT_PUBLIC_APP_URL are not", async () => {
  const auth = frontend({ NEXT_PUBLIC_APP_URL: "https://www.example.com" });
  const browser = await new Browser().signUp(auth);
  const from = async (origin: string) => (await browser.post(auth, "/sign-out", {}, { origin })).status;
  assert.equal(await from("https://evil.example.com"), 403);
  assert.equal(await from("https://www.example.com"), 200);
  await browser.post(auth, "/sign-in/email", browser.account);
  assert.equal(await from(url), 200);
});

test("a form of another site signs nobody in", async () => {
  const auth = frontend();
  const browser = await new Browser().signUp(auth);
  const { account } = browser;
  const fetched = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  browser.cookies.clear();
  assert.equal((await browser.post(auth, "/sign-in/email", account, fetched)).status, 403);
  assert.equal((await browser.post(auth, "/sign-in/email", account, { ...fetched, "sec-fetch-site": "same-origin" })).status, 200);
});

describe("attempts to sign in are limited", () => {
  const attempts = async (settings: Record<string, string>, headers: (attempt: number) => Record<string, string>) => {
    const auth = frontend(settings);
    const browser = new Browser();
    let last = 0;
    for (let i = 1; i <= 5; i++) last = (await browser.post(auth, "/sign-in/email", browser.account, headers(i))).status;
    return last;
  };
  const rows: [string, Record<string, string>, (attempt: number) => Record<string, string>, number][] = [
    ["of one address", {}, () => ({}), 429],
    ["of each address for itself", {}, (i) => ({ "x-forwarded-for": `198.51.100.${i}` }), 401],
    ["behind two proxies that are named", { TRUSTED_PROXIES: "10.0.0.0/8, 172.16.0.1" }, () => ({ "x-forwarded-for": "203.0.113.1, 172.16.0.1, 10.1.2.3" }), 429],
    ["behind those of each address for itself, whatever clients claim", { TRUSTED_PROXIES: "10.0.0.0/8" }, (i) => ({ "x-forwarded-for": `1.1.1.1, 203.0.113.${10 + i}, 10.1.2.3` }), 401],
    ["by the header that is named", { CLIENT_IP_HEADERS: "cf-connecting-ip" }, (i) => ({ "cf-connecting-ip": `198.51.100.${100 + i}` }), 401],
  ];
  for (const [name, settings, headers, status] of rows) {
    test(name, async () => assert.equal(await attempts(settings, headers), status));
  }
});

/** Returns the token of a session cookie, and whether a secret signed it. */
function split(cookie: string, secret: string) {
  const [token, signature] = decodeURIComponent(cookie).split(/\.(?=[^.]*$)/);
  return { token, signed: signature === createHmac("sha256", secret).update(token).digest("base64") };
}

test("a session that has ended in the database gets no token, though its cache would still show a page", async () => {
  const browser = await new Browser().signUp(frontend());
  const cookies = new Map(browser.cookies);
  await database.execute(sql`delete from session where user_id = (select id from "user" where email = ${browser.account.email})`);
  assert.equal(await browser.who(pageUser), browser.account.email, "the cache is not what this test believes");
  assert.deepEqual(browser.cookies, cookies);
  assert.equal(await browser.who(), undefined);
});

describe("through a rotation, within Next.js and with the cache of sessions in a cookie,", () => {
  const both = { BETTER_AUTH_SECRETS: `2:${two},1:${one}`, BETTER_AUTH_SECRET: two };

  test("the session goes on, and the browser gets the cookie signed anew and a new cache", async () => {
    const browser = await new Browser().signUp(frontend());
    const { token } = split(browser.cookies.get(sessionCookie)!, one);
    const cache = browser.cookies.get(cacheCookie);
    frontend({ BETTER_AUTH_SECRETS: `1:${one},2:${two}` });
    assert.equal(await browser.who(), browser.account.email, "published");
    assert.equal(browser.set.has(sessionCookie), false);
    frontend(both);
    assert.equal(await browser.who(), browser.account.email, "promoted");
    assert.deepEqual(split(browser.cookies.get(sessionCookie)!, two), { token, signed: true });
    assert.notEqual(browser.cookies.get(cacheCookie), cache);
    frontend({ BETTER_AUTH_SECRETS: `2:${two}`, BETTER_AUTH_SECRET: two });
    assert.equal(await browser.who(), browser.account.email, "retired");
    assert.equal(browser.set.has(sessionCookie), false);
  });

  test("the cookie is signed anew whether or not its cache has run out", async () => {
    const browser = await new Browser().signUp(frontend());
    browser.cookies.delete(cacheCookie);
    frontend(both);
    assert.equal(await browser.who(), browser.account.email);
    assert.ok(split(browser.cookies.get(sessionCookie)!, two).signed);
  });

  test("a revoked key ends the session, and the cache does not outlive it", async () => {
    const browser = await new Browser().signUp(frontend());
    frontend({ ...both, BETTER_AUTH_COOKIE_VERSIONS: "2" });
    assert.equal(await browser.who(), undefined);
  });
});

test("what was encrypted before there was a list of secrets can be read, with the secret of then", async () => {
  const written = await symmetricEncrypt({ key: "the-secret-of-before-0123456789-abcdefghij", data: "x" });
  const read = async (settings: Record<string, string>) => symmetricDecrypt({ key: (await frontend(settings).$context).secretConfig, data: written });
  assert.equal(await read({ BETTER_AUTH_LEGACY_SECRET: "the-secret-of-before-0123456789-abcdefghij" }), "x");
  delete process.env.BETTER_AUTH_LEGACY_SECRET;
  await assert.rejects(read({}));
});
