import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Browser, emptyDatabase, frontend, one, type Settings, three, two } from "./frontend";

beforeEach(emptyDatabase);

describe("signed in under the first secret, then restarted with", () => {
  const rows: [string, string, Settings, boolean][] = [
    ["the second alone, no plugin", two, { plugin: false }, false],
    ["both, second first, no plugin", `${two},${one}`, { plugin: false }, false],
    ["both, first first, no plugin", `${one},${two}`, { plugin: false }, true],
    ["the second alone", two, {}, false],
    ["both, first first", `${one},${two}`, {}, true],
    ["both, second first", `${two},${one}`, {}, true],
    ["three", `${three},${two},${one}`, {}, true],
    ["both, but the first no longer among the cookie versions", `${two},${one}`, { versions: "2" }, false],
    ["both, but no cookie versions", `${two},${one}`, { versions: "" }, false],
    ["a revoked first that is kept for decryption", `${three},${two},${one}`, { versions: "3,2" }, false],
  ];
  for (const [name, secrets, options, signedIn] of rows) {
    test(`${name}: ${signedIn ? "signed in" : "signed out"}`, async () => {
      const browser = new Browser();
      await browser.signUp(frontend(one));
      assert.equal(await browser.isSignedIn(frontend(secrets, options)), signedIn);
    });
  }
});

describe("two replicas, requests alternating", () => {
  const rows: [string, boolean, string, string, string][] = [
    ["no plugin, one step", false, one, `${two},${one}`, "X.X.X.X.X.X."],
    ["plugin, one step", true, one, `${two},${one}`, ".X.X.X.X.X.X"],
    ["plugin, publish", true, one, `${one},${two}`, "............"],
    ["plugin, promote", true, `${one},${two}`, `${two},${one}`, "............"],
  ];
  for (const [name, plugin, before, after, expected] of rows) {
    test(`${name}: ${expected}`, async () => {
      const replicas = [frontend(after, { plugin }), frontend(before, { plugin })];
      const browser = new Browser();
      await browser.signUp(frontend(one));
      let seen = "";
      for (let i = 0; i < 12; i++) seen += (await browser.isSignedIn(replicas[i % 2])) ? "." : "X";
      assert.equal(seen, expected);
    });
  }
});

test("the browser then holds a cookie of the new secret, with the attributes of the old", async () => {
  const browser = new Browser();
  await browser.signUp(frontend(one));
  await browser.isSignedIn(frontend(`${two},${one}`));
  assert.match(browser.set.get("better-auth.session_token")!, /Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/);
  assert.equal(await browser.isSignedIn(frontend(two, { plugin: false })), true);
});

test("a cookie of the current secret is left alone", async () => {
  const browser = new Browser();
  await browser.signUp(frontend(`${two},${one}`));
  await browser.isSignedIn(frontend(`${two},${one}`));
  assert.equal(browser.set.size, 0);
});

test("a session that is not to be remembered stays one", async () => {
  const browser = new Browser();
  await browser.signUp(frontend(one));
  const account = { email: "ada@example.com", password: "correct horse battery", rememberMe: false };
  await browser.call(frontend(one), "/sign-in/email", account);
  browser.set.clear();
  assert.equal(await browser.isSignedIn(frontend(`${two},${one}`)), true);
  assert.doesNotMatch(browser.set.get("better-auth.session_token")!, /max-age|expires/i);
  assert.ok(browser.set.has("better-auth.dont_remember"));
  assert.equal(await browser.isSignedIn(frontend(two, { plugin: false })), true);
});

test("names with the prefix __Secure- are carried over", async () => {
  const url = "https://todo.example.com";
  const browser = new Browser(url);
  await browser.signUp(frontend(one, { url }));
  assert.equal(await browser.isSignedIn(frontend(`${two},${one}`, { url })), true);
  assert.match(browser.set.get("__Secure-better-auth.session_token")!, /Secure/);
});

test("calls from the server are covered too", async () => {
  const browser = new Browser();
  await browser.signUp(frontend(one));
  const headers = new Headers({ cookie: browser.header() });
  const { api } = frontend(`${two},${one}`);
  const { response, headers: set } = await api.getSession({ headers, returnHeaders: true });
  assert.equal(response?.user.email, "ada@example.com");
  assert.match(set.get("set-cookie") ?? "", /better-auth\.session_token=/);
});

test("a forged signature is not carried over, nor does it end the request", async () => {
  const browser = new Browser();
  await browser.signUp(frontend(one));
  const [value] = decodeURIComponent(browser.cookies.get("better-auth.session_token")!).split(".");
  const forged = `${value}.${"A".repeat(43)}=`;
  for (const cookie of [encodeURIComponent(forged), forged, "%", ".", "", `"${forged}"`]) {
    browser.cookies.set("better-auth.session_token", cookie);
    assert.equal(await browser.isSignedIn(frontend(`${two},${one}`)), false);
  }
});

test("cookies of others reach Better Auth as they are", async () => {
  const browser = new Browser();
  await browser.signUp(frontend(one));
  browser.cookies.set("theme", "a%20b%3Bc");
  assert.equal(await browser.isSignedIn(frontend(`${two},${one}`)), true);
  assert.equal(browser.cookies.get("theme"), "a%20b%3Bc");
});

test("signing out under the new secret ends the session", async () => {
  const browser = new Browser();
  await browser.signUp(frontend(one));
  const kept = new Map(browser.cookies);
  await browser.call(frontend(`${two},${one}`), "/sign-out", {});
  for (const [name, value] of kept) browser.cookies.set(name, value);
  assert.equal(await browser.isSignedIn(frontend(`${two},${one}`)), false);
});
