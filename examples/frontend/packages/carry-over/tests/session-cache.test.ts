/** Checks that a session cached in a cookie is accepted only under a key whose cookies are accepted, in each strategy. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { beforeEach, describe, test } from "node:test";
import type { BetterAuthOptions } from "better-auth";
import { createAuthMiddleware, getSessionFromCtx } from "better-auth/api";
import { signJWT, symmetricDecodeJWT, symmetricEncodeJWT } from "better-auth/crypto";
import { bearer } from "better-auth/plugins";
import { Browser, emptyDatabase, type Frontend, frontend, one, type Settings, three, two } from "./frontend";

beforeEach(emptyDatabase);

const strategies = ["compact", "jwt", "jwe"] as const;
type Strategy = (typeof strategies)[number];

const archived = "7:archived-secret-0123456789-abcdefghijklmn";
const revoked = "8:revoked-secret-0123456789-abcdefghijklmno";
const unknown = "9:unknown-secret-0123456789-abcdefghijklmno";
/** The third key is active, the second is retiring; the others are kept only to read stored data. */
const secrets = [three, two, archived, revoked].join(",");
const versions = "3,2";
const keys = { active: three, retiring: two, archived, revoked, unknown };

const secretOf = (key: string) => key.slice(key.indexOf(":") + 1);
const cache = (strategy: Strategy): BetterAuthOptions["session"] => ({ cookieCache: { enabled: true, strategy, maxAge: 300 } });
const start = (strategy: Strategy, { auth, ...settings }: Settings = {}) =>
  frontend(secrets, { versions, ...settings, auth: { session: cache(strategy), ...auth } });

/** Encrypts or signs what Better Auth would cache, with a key of the attacker's choice. */
async function seal(strategy: Strategy, payload: object, key: string): Promise<string> {
  const secret = secretOf(key);
  if (strategy === "jwe") return symmetricEncodeJWT(payload, secret, "better-auth-session", 300);
  if (strategy === "jwt") return signJWT(payload, secret, 300);
  const expiresAt = Date.now() + 300_000;
  const signature = createHmac("sha256", secret).update(JSON.stringify({ ...payload, expiresAt })).digest("base64url");
  return Buffer.from(JSON.stringify({ session: payload, expiresAt, signature })).toString("base64url");
}

/**
 * Mallory signs in as herself and returns the cookies to send: her own session, and a cache that says that it is Ada's.
 */
async function attack(app: Frontend, strategy: Strategy, key: string, { url = "http://localhost:3000", padding = "" } = {}) {
  await new Browser(url).signUp(app);
  const mallory = new Browser(url);
  await mallory.signUp(app, "mallory");
  const { internalAdapter } = await app.$context;
  const ada = (await internalAdapter.findUserByEmail("ada@example.com"))!.user;
  const name = (await app.$context).authCookies.sessionToken.name;
  const token = decodeURIComponent(mallory.cookies.get(name)!).split(".")[0];
  const { session } = (await internalAdapter.findSession(token))!;
  const payload = { session: { ...session, userId: ada.id }, user: { ...ada, image: padding || null }, updatedAt: Date.now(), version: "1" };
  return { mallory, forged: await seal(strategy, payload, key) };
}

const cookieName = "better-auth.session_data";
/** Better Auth accepts a cache of these strategies under the current key alone, one of jwe under every key. */
const accepts = (strategy: Strategy, state: string) => state === "active" || (strategy === "jwe" && state === "retiring");

for (const strategy of strategies) {
  describe(`a session cached by strategy ${strategy}`, () => {
    for (const [state, key] of Object.entries(keys)) {
      const whose = accepts(strategy, state) ? "ada" : "mallory";

      test(`and written with the ${state} key is ${whose === "ada" ? "accepted" : "refused"}`, async () => {
        const app = start(strategy);
        const { mallory, forged } = await attack(app, strategy, key);
        mallory.cookies.set(cookieName, forged);
        assert.equal(await mallory.user(app), `${whose}@example.com`);
        assert.notEqual(mallory.cookies.get(cookieName) === forged, whose === "mallory", "the browser keeps a refused cookie");
      });

      test(`in chunks and written with the ${state} key is ${whose === "ada" ? "accepted" : "refused"}`, async () => {
        const app = start(strategy);
        const { mallory, forged } = await attack(app, strategy, key, { padding: "x".repeat(6000) });
        const chunks = forged.match(/.{1,3000}/g)!;
        assert.ok(chunks.length > 2);
        const send = () => {
          mallory.cookies.delete(cookieName);
          chunks.forEach((chunk, i) => mallory.cookies.set(`${cookieName}.${i}`, chunk));
        };
        send();
        assert.equal(await mallory.user(app), `${whose}@example.com`);
        const left = [...mallory.cookies.keys()].filter((name) => name.startsWith(`${cookieName}.`));
        assert.equal(left.length, whose === "ada" ? chunks.length : 0, "the browser keeps chunks of a refused cookie");
      });

      test(`under the prefix __Secure- and written with the ${state} key is ${whose === "ada" ? "accepted" : "refused"}`, async () => {
        const url = "https://todo.example.com";
        const app = start(strategy, { url });
        const { mallory, forged } = await attack(app, strategy, key, { url });
        mallory.cookies.set(`__Secure-${cookieName}`, forged);
        assert.equal(await mallory.user(app), `${whose}@example.com`);
      });
    }

    test("ends with its user's session if its key was revoked", async () => {
      const browser = new Browser();
      await browser.signUp(frontend(one, { auth: { session: cache(strategy) } }));
      assert.equal(await browser.isSignedIn(frontend(`${two},${one}`, { versions: "2", auth: { session: cache(strategy) } })), false);
    });

    test("goes on through a rotation, and the browser then holds one of the new key", async () => {
      const settings: Settings = { auth: { session: cache(strategy) } };
      const browser = new Browser();
      await browser.signUp(frontend(one, settings));
      assert.equal(await browser.isSignedIn(frontend(`${one},${two}`, settings)), true, "published");
      assert.equal(await browser.isSignedIn(frontend(`${two},${one}`, settings)), true, "promoted");
      assert.equal(await browser.isSignedIn(frontend(two, { ...settings, versions: "2", plugin: false })), true, "retired");
    });

    test("is read again from the database if its key was revoked after the session was carried over", async () => {
      const settings: Settings = { auth: { session: cache(strategy) } };
      const browser = new Browser();
      await browser.signUp(frontend(one, settings));
      const old = browser.cookies.get(cookieName)!;
      await browser.isSignedIn(frontend(`${two},${one}`, settings));
      browser.cookies.set(cookieName, old);
      assert.equal(await browser.isSignedIn(frontend(`${two},${one}`, { ...settings, versions: "2" })), true);
      assert.notEqual(browser.cookies.get(cookieName), old);
    });
  });
}

describe("a session that a revoked key wrote is refused", () => {
  const refused = async (app: Frontend, ask: (mallory: Browser, forged: string) => Promise<string | undefined>, key = revoked) => {
    const { mallory, forged } = await attack(app, "jwe", key);
    mallory.cookies.set(cookieName, forged);
    assert.equal(await ask(mallory, forged), "mallory@example.com");
  };

  test("by calls from the server", async () => {
    const app = start("jwe");
    await refused(app, async (mallory) => (await app.api.getSession({ headers: new Headers({ cookie: mallory.header() }) }))?.user.email);
  });

  test("by an endpoint that needs a session", async () => {
    const app = start("jwe");
    await refused(app, async (mallory) => {
      await mallory.call(app, "/update-user", { name: "changed" });
      const { adapter } = await app.$context;
      const user = await adapter.findOne<{ email: string }>({ model: "user", where: [{ field: "name", value: "changed" }] });
      return user?.email;
    });
  });

  test("by hooks of the application, which run before those of plugins", async () => {
    let seen: string | undefined;
    const hooks = { before: createAuthMiddleware(async (ctx) => void (seen = (await getSessionFromCtx(ctx))?.user.email)) };
    const app = start("jwe", { auth: { hooks } });
    await refused(app, async (mallory) => {
      assert.equal(await mallory.user(app), "mallory@example.com");
      return seen;
    });
  });

  test("by calls from the server even if a hook of the application has read it", async () => {
    const hooks = { before: createAuthMiddleware(async (ctx) => void (await getSessionFromCtx(ctx))) };
    const app = start("jwe", { auth: { hooks } });
    await refused(app, async (mallory) => {
      const headers = new Headers({ cookie: mallory.header() });
      await app.api.updateUser({ headers, body: { name: "changed" } });
      return (await (await app.$context).adapter.findOne<{ email: string }>({ model: "user", where: [{ field: "name", value: "changed" }] }))?.email;
    });
  });

  test("by hooks of later plugins", async () => {
    let seen: string | undefined;
    const handler = createAuthMiddleware(async (ctx) => void (seen = (await getSessionFromCtx(ctx))?.user.email));
    const app = start("jwe", { auth: { plugins: [{ id: "later", hooks: { before: [{ matcher: () => true, handler }] } }] } });
    await refused(app, async (mallory) => {
      await app.api.getSession({ headers: new Headers({ cookie: mallory.header() }) });
      return seen;
    });
  });

  test("beside a bearer token, for which the bearer plugin reads the request itself", async () => {
    const app = start("jwe", { auth: { plugins: [bearer()] } });
    await refused(app, (mallory) => {
      const authorization = `Bearer ${mallory.cookies.get("better-auth.session_token")}`;
      return mallory.user(app, { authorization });
    });
  });

  test("behind another cookie of the same name, which parsers read differently", async () => {
    const app = start("jwe", { auth: { plugins: [bearer()] } });
    const { mallory, forged } = await attack(app, "jwe", revoked);
    const own = mallory.cookies.get(cookieName)!;
    const session = `better-auth.session_token=${mallory.cookies.get("better-auth.session_token")}`;
    const authorization = `Bearer ${mallory.cookies.get("better-auth.session_token")}`;
    for (const [first, second] of [[own, forged], [forged, own]])
      for (const name of [cookieName, `${cookieName}.0`]) {
        const headers = { cookie: `${session}; ${name}=${first}; ${name}=${second}`, authorization };
        const response = await app.handler(new Request("http://localhost:3000/api/auth/get-session", { headers }));
        assert.equal((await response.json())?.user.email, "mallory@example.com");
      }
  });

  test("if it names no key, so that Better Auth tries them all", async () => {
    const { EncryptJWT } = await import("jose");
    const { hkdfSync } = await import("node:crypto");
    const app = start("jwe");
    await refused(app, async (mallory, forged) => {
      const payload = (await symmetricDecodeJWT(forged, secretOf(revoked), "better-auth-session"))!;
      const key = new Uint8Array(hkdfSync("sha256", secretOf(revoked), "better-auth-session", "BetterAuth.js Generated Encryption Key", 64));
      const jwe = await new EncryptJWT(payload as Record<string, unknown>).setProtectedHeader({ alg: "dir", enc: "A256CBC-HS512" }).encrypt(key);
      assert.ok(await symmetricDecodeJWT(jwe, secretOf(revoked), "better-auth-session"), "the cookie is well-formed");
      mallory.cookies.set(cookieName, jwe);
      return mallory.user(app);
    });
  });

  test("if it is the secret that was used before there was a list", async () => {
    const app = frontend(`${three},${two}`, { versions, legacy: secretOf(unknown), auth: { session: cache("jwe") } });
    await refused(app, (mallory) => mallory.user(app), unknown);
  });

  test("if its version is 0 and no cookie versions are set", async () => {
    const zero = `0:${secretOf(revoked)}`;
    const app = frontend(`${three},${zero}`, { versions: "", auth: { session: cache("jwe") } });
    await refused(app, (mallory) => mallory.user(app), zero);
  });
});

describe("without a database, where the cookie is the session,", () => {
  const auth = { database: undefined };
  test("it goes on through a rotation and ends when its key is revoked", async () => {
    const browser = new Browser();
    await browser.signUp(frontend(one, { auth }));
    const revokedAt = new Map(browser.cookies);
    assert.equal(await browser.isSignedIn(frontend(`${two},${one}`, { auth })), true);
    browser.cookies.clear();
    for (const [name, value] of revokedAt) browser.cookies.set(name, value);
    assert.equal(await browser.isSignedIn(frontend(`${two},${one}`, { versions: "2", auth })), false);
  });
});
