/** Checks the other cookies that Better Auth encrypts: the state of an OAuth sign-in, and the tokens of an OAuth account. */
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { createAuthEndpoint } from "better-auth/api";
import { getAccountCookie } from "better-auth/cookies";
import { symmetricEncodeJWT } from "better-auth/crypto";
import { genericOAuth } from "better-auth/plugins";
import { Browser, emptyDatabase, frontend, type Settings, three, two } from "./frontend";

beforeEach(emptyDatabase);

const revoked = "8:revoked-secret-0123456789-abcdefghijklmno";
const secrets = [three, two, revoked].join(",");
const legacy = "legacy-secret-0123456789-abcdefghijklmnopq";
const rows: [string, string, boolean][] = [
  ["active", three, true],
  ["retiring", two, true],
  ["revoked", revoked, false],
];

const provider = {
  providerId: "idp",
  clientId: "todo",
  clientSecret: "s",
  authorizationUrl: "https://idp.example.com/authorize",
  tokenUrl: "https://idp.example.com/token",
  getToken: async () => ({ accessToken: "access" }),
  getUserInfo: async () => ({ id: "42", email: "ada@example.com", emailVerified: true, name: "ada" }),
};

const readAccount = {
  id: "read-account",
  endpoints: { readAccount: createAuthEndpoint("/read-account", { method: "GET" }, async (ctx) => ctx.json(await getAccountCookie(ctx))) },
};

const start = (list: string, settings: Settings = {}) =>
  frontend(list, {
    versions: "3,2",
    ...settings,
    auth: { account: { storeStateStrategy: "cookie", storeAccountCookie: true }, plugins: [genericOAuth({ config: [provider] }), readAccount] },
  });

/** Begins a sign-in at one frontend and finishes it at another. Returns where the browser is sent. */
async function signIn(from: ReturnType<typeof start>, to: ReturnType<typeof start>) {
  const browser = new Browser();
  const { url } = await (await browser.call(from, "/sign-in/social", { provider: "idp", callbackURL: "/welcome" })).json();
  const state = new URL(url).searchParams.get("state")!;
  const response = await browser.call(to, `/callback/idp?code=x&state=${encodeURIComponent(state)}`);
  return { location: response.headers.get("location"), browser };
}

describe("a sign-in with another provider, whose state is in a cookie,", () => {
  for (const [state, key, accepted] of rows)
    test(`begun with the ${state} key is ${accepted ? "finished" : "refused"}`, async () => {
      const { location, browser } = await signIn(start(key), start(secrets));
      if (accepted) assert.equal(location, "/welcome");
      else assert.match(location!, /error=/);
      assert.equal(browser.cookies.has("better-auth.session_token"), accepted);
      assert.equal(browser.cookies.has("better-auth.oauth_state"), false, "the browser keeps the state");
    });

  test("begun with the secret that was used before there was a list is refused", async () => {
    const { location } = await signIn(start("", { legacy }), start(`${three},${two}`, { legacy }));
    assert.match(location!, /error=/);
  });
});

describe("the tokens of an account, kept in a cookie,", () => {
  for (const [state, key, accepted] of rows)
    test(`encrypted with the ${state} key are ${accepted ? "read" : "refused"}`, async () => {
      const browser = new Browser();
      const account = { accountId: "42", providerId: "idp", userId: "1", accessToken: "access" };
      const secret = key.slice(key.indexOf(":") + 1);
      browser.cookies.set("better-auth.account_data", await symmetricEncodeJWT(account, secret, "better-auth-account", 300));
      const response = await browser.call(start(secrets), "/read-account");
      assert.equal((await response.json())?.accessToken, accepted ? "access" : undefined);
      assert.equal(browser.cookies.has("better-auth.account_data"), accepted);
    });
});
