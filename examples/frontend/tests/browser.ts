/**
 * Uses the app in a real browser: browser.ts URL FOLDER-FOR-SCREENSHOTS.
 *
 * It prints its progress, and reads one line at a time: "rotated" after a rotation, "revoked" after a revocation, and
 * finally "keys a,b" with every key that was used. No browser may have received one of them.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { type BrowserContext, type Locator, type Page, chromium } from "playwright-core";
import { Watch } from "./watch";

const [url, folder] = process.argv.slice(2);
const password = "correct horse battery";
const run = Date.now().toString(36);
const ada = { name: "Ada", email: `ada-${run}@example.com` };
const bob = { name: "Bob", email: `bob-${run}@example.com` };
const carol = { name: "Carol", email: `carol-${run}@example.com` };
const dora = { name: "Dora", email: `dora-${run}@example.com` };
type Person = typeof ada;

const told = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const started = Date.now();
const watch = new Watch();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const paper = { light: "rgb(247, 246, 242)", dark: "rgb(22, 24, 26)" };

function say(what: string) {
  console.log(`${((Date.now() - started) / 1000).toFixed(1)}s ${what}`);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  await play();
  say("done");
} catch (error) {
  for (const [i, page] of browser.contexts().flatMap((context) => context.pages()).entries()) {
    await page.screenshot({ path: `${folder}/failed-${i}.png` }).catch(() => {});
    say(`failed at ${page.url()}: ${await page.locator("body").innerText().catch(() => "")}`);
  }
  for (const trouble of watch.troubles()) say(trouble);
  throw error;
} finally {
  await browser.close();
  process.stdin.destroy();
}

async function play() {
  const context = await someone();
  const page = await context.newPage();
  await page.goto(url);
  assert.equal(new URL(page.url()).pathname, "/login", "who is not signed in comes to the sign-in page");
  await page.screenshot({ path: `${folder}/sign-in.png` });
  await accessible(page);
  await nowhere(page);
  await signUp(page, ada);
  await everyday(page);
  await signingOutAndIn(page);
  await conflict(context, page);
  await refusals(page);
  await manyTasks(page);
  await without(ada);
  await withoutScripts();
  await throughRotation(context, page);
  await afterRevocation(page);
  await watch.holding(context);
  say(`ready for the keys: ${JSON.stringify(watch.counted)}`);
  const keys = (await told.next()).value?.match(/^keys (.+)$/)?.[1].split(",") ?? [];
  watch.withheld(keys, ada.email);
  assert.deepEqual(watch.wrong, []);
}

async function someone(javaScriptEnabled = true): Promise<BrowserContext> {
  const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 880, height: 620 }, deviceScaleFactor: 1.5 });
  context.setDefaultTimeout(30_000);
  watch.on(context, javaScriptEnabled);
  // Browsers offer randomUUID on https and localhost only.
  await context.addInitScript(() => delete (Crypto.prototype as Partial<Crypto>).randomUUID);
  return context;
}

async function leave(context: BrowserContext) {
  await watch.holding(context);
  await context.close();
}

/** Checks a page by axe-core's rules, in light and in dark mode. */
async function accessible(page: Page) {
  await page.evaluate(axe);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    assert.equal(background, paper[colorScheme], `${page.url()} in ${colorScheme}`);
    const violations = await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: typeof import("axe-core") };
      return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(", ")}`);
    });
    assert.deepEqual(violations, [], `${page.url()} in ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** Moves the focus to an element with the tabulator key. */
async function tabTo(page: Page, wanted: Locator) {
  for (let i = 0; i < 20; i++) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the keyboard does not lead to ${wanted}`);
}

async function nowhere(page: Page) {
  await watch.expecting([404], () => page.goto(`${url}/nowhere`));
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await accessible(page);
  await page.getByRole("link", { name: "To your tasks" }).click();
  await page.waitForURL("**/login");
}

/** Submits a form for credentials. If the rate limit rejects it, it submits it again later. */
async function submit(page: Page, fields: Record<string, string>, button: string) {
  for (;;) {
    for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).fill(value);
    await page.getByRole("button", { name: button }).click();
    const over = page.getByRole("heading", { name: "Your tasks" }).or(page.locator("p[role=alert]"));
    await over.waitFor();
    if (!(await page.getByText("Too many attempts").isVisible())) return;
    say("too many attempts; waiting for the rate limit");
    await new Promise((done) => setTimeout(done, 10_000));
  }
}

async function signUp(page: Page, { name, email }: Person) {
  await page.goto(`${url}/sign-up`);
  if (name === ada.name) await accessible(page);
  await submit(page, { Name: name, "E-mail": email, Password: password }, "Sign up");
  await page.getByText(email).waitFor();
  say(`${name} signed up`);
}

async function signIn(page: Page, { name, email }: Person) {
  await submit(page, { "E-mail": email, Password: password }, "Sign in");
  await page.getByText(email).waitFor();
  say(`${name} signed in`);
}

function said(page: Page, text: string) {
  return page.getByRole("status").filter({ hasText: text }).waitFor();
}

function warned(page: Page, text: string) {
  return page.locator("p[role=alert]").filter({ hasText: text }).waitFor();
}

function row(page: Page, title: string) {
  return page.getByRole("listitem").filter({ hasText: title });
}

function box(page: Page, title: string) {
  return row(page, title).getByRole("checkbox");
}

async function add(page: Page, title: string, description = "") {
  await page.getByLabel("New task").fill(title);
  await page.getByLabel("Description").fill(description);
  await page.keyboard.press("Enter");
  await said(page, `Added “${title}”.`);
  await row(page, title).waitFor();
}

async function toggle(page: Page, title: string) {
  const checked = await box(page, title).isChecked();
  await box(page, title).press("Space");
  await page.waitForFunction(
    ([text, wanted]) =>
      [...document.querySelectorAll("li")].some(
        (li) => li.innerText.includes(text as string) && li.querySelector("input")?.checked === wanted,
      ),
    [title, !checked] as const,
  );
}

async function edit(page: Page, title: string, newTitle: string) {
  await page.getByRole("button", { name: `Edit “${title}”` }).press("Enter");
  await page.getByLabel("Title").fill(newTitle);
  await page.keyboard.press("Enter");
  await said(page, "Saved.");
  await row(page, newTitle).waitFor();
}

async function remove(page: Page, title: string) {
  await page.getByRole("button", { name: `Delete “${title}”` }).click();
  await said(page, `Deleted “${title}”.`);
  await row(page, title).waitFor({ state: "detached" });
}

async function everyday(page: Page) {
  await page.getByText("Nothing to do.").waitFor();
  await add(page, "Water the plants", "The fern twice as much as the others");
  await add(page, "Call Grace");
  await add(page, "Write the report", "Two pages, with the figures of last month");
  await edit(page, "Call Grace", "Call Grace back");
  await toggle(page, "Water the plants");
  await page.screenshot({ path: `${folder}/tasks.png` });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.screenshot({ path: `${folder}/tasks-dark.png` });
  await page.emulateMedia({ colorScheme: "light" });
  await accessible(page);

  await page.getByRole("button", { name: "Open", exact: true }).click();
  await row(page, "Water the plants").waitFor({ state: "detached" });
  assert.equal(await page.getByRole("listitem").count(), 2);
  await page.getByRole("button", { name: "Done", exact: true }).click();
  await row(page, "Call Grace back").waitFor({ state: "detached" });
  assert.equal(await page.getByRole("listitem").count(), 1);
  await add(page, "Shows that it is there");
  assert.equal(await page.getByRole("button", { name: "All", exact: true }).getAttribute("aria-pressed"), "true");
  await remove(page, "Shows that it is there");
  await row(page, "Write the report").waitFor();

  await remove(page, "Write the report");
  assert.ok(await box(page, "Call Grace back").evaluate((element) => element === document.activeElement), "the next task has the focus");
  await page.getByRole("button", { name: "Undo" }).click();
  await row(page, "Write the report").waitFor();
  await remove(page, "Write the report");
  say("tasks added, edited, done, filtered, deleted and brought back");
}

async function signingOutAndIn(page: Page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/login");
  await page.getByLabel("Stay signed in").uncheck();
  await submit(page, { "E-mail": ada.email, Password: "wrong password" }, "Sign in");
  await warned(page, "Invalid email or password");
  assert.equal(await page.getByLabel("E-mail").inputValue(), ada.email, "what was typed stays");
  assert.ok(!(await page.getByLabel("Stay signed in").isChecked()), "and what was chosen");
  await page.getByLabel("Stay signed in").check();
  await byKeyboard(page);
  await row(page, "Call Grace back").waitFor();
  assert.ok(await box(page, "Water the plants").isChecked());
  assert.equal(await page.getByRole("listitem").count(), 2);
}

/** Signs in and adds a task with the keyboard only. */
async function byKeyboard(page: Page) {
  await page.reload();
  await tabTo(page, page.getByLabel("E-mail"));
  await page.keyboard.type(ada.email);
  await tabTo(page, page.getByLabel("Password"));
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await page.getByText(ada.email).waitFor();
  await tabTo(page, page.getByLabel("New task"));
  await page.keyboard.type("Oil the keyboard");
  await page.keyboard.press("Enter");
  await row(page, "Oil the keyboard").waitFor();
  await tabTo(page, page.getByRole("button", { name: "Delete “Oil the keyboard”" }));
  await page.keyboard.press("Enter");
  await row(page, "Oil the keyboard").waitFor({ state: "detached" });
  say("signed in, added and deleted by keyboard");
}

/** Edits one task in two windows. The later one must be told, and no text may be lost. */
async function conflict(context: BrowserContext, page: Page) {
  const other = await context.newPage();
  await other.goto(url);
  await other.getByRole("button", { name: "Edit “Call Grace back”" }).click();
  await other.getByLabel("Title").fill("Forget Grace");
  await edit(page, "Call Grace back", "Call Grace at noon");
  await watch.expecting([412], async () => {
    await other.getByRole("button", { name: "Save" }).click();
    await warned(other, "changed elsewhere");
  });
  await other.close();
  await page.reload();
  await row(page, "Call Grace at noon").waitFor();
  say("an edit of what has changed meanwhile was refused");
}

/** Lets the API fail. The page must say so, keep its content, and continue when the API does. */
async function refusals(page: Page) {
  const tasks = "**/api/*/tasks*";
  await watch.expecting([401, 422, 500], async () => {
    await page.route(tasks, (route) => route.fulfill({ status: 401, json: { detail: "unknown key" } }));
    await page.getByLabel("New task").fill("Typed in vain");
    await page.keyboard.press("Enter");
    await warned(page, "does not accept your session (unknown key)");
    assert.equal(await page.getByLabel("New task").inputValue(), "Typed in vain");
    await page.reload();
    await warned(page, "could not be read");
    assert.equal(await page.getByLabel("New task").inputValue(), "Typed in vain");
    await page.unroute(tasks);
    await page.route(tasks, (route) => route.fulfill({ status: 500, json: { detail: "internal error" } }));
    await page.getByRole("button", { name: "Read again" }).click();
    await warned(page, "internal error");
    await accessible(page);
    await page.unroute(tasks);
    await page.getByRole("button", { name: "Read again" }).click();
    await row(page, "Call Grace at noon").waitFor();
    assert.equal(await page.getByRole("list", { name: "Tasks" }).getAttribute("aria-busy"), "false");
    await page.getByLabel("New task").fill("long ".repeat(41));
    await page.keyboard.press("Enter");
    await warned(page, "title ");
  });
  await page.getByLabel("New task").fill("");
  await page.evaluate(() => sessionStorage.clear());
  say("what the API refuses is told, and nothing typed is lost");
}

async function manyTasks(page: Page) {
  for (let i = 1; i <= 20; i++) await add(page, `Errand ${i}.`);
  await page.getByText("1–20 of 22").waitFor();
  await page.getByRole("button", { name: "Older" }).click();
  await page.getByText("21–22 of 22").waitFor();
  await row(page, "Water the plants").waitFor();
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Tasks");
  await page.getByRole("button", { name: "Newer" }).click();
  await page.getByText("1–20 of 22").waitFor();
  say("pages turned");
}

/** Checks that another user cannot see the owner's tasks, not even by asking the API for them. */
async function without(owner: Person) {
  const context = await someone();
  const page = await context.newPage();
  await signUp(page, bob);
  await page.getByText("Nothing to do.").waitFor();
  const owners = browser.contexts()[0].pages()[0];
  const userId = await owners.evaluate(async () => (await (await fetch("/token")).json()).userId);
  const ask = () =>
    page.evaluate(async (id) => {
      const { token } = await (await fetch("/token")).json();
      return (await fetch(`/api/${id}/tasks`, { headers: { Authorization: `Bearer ${token}` } })).status;
    }, userId);
  const status = await watch.expecting([403], ask);
  assert.equal(status, 403, `${bob.name} may not see what ${owner.name} has to do`);
  await inAnotherTab(context, page);
  await leave(context);
  say("another user sees nothing of it");
}

/** Signs another user in in a second tab. With the next token, the first tab must switch to that user. */
async function inAnotherTab(context: BrowserContext, page: Page) {
  const other = await context.newPage();
  await other.goto(url);
  await other.getByRole("button", { name: "Sign out" }).click();
  await other.waitForURL("**/login");
  await signUp(other, dora);
  await watch.expecting([401], async () => {
    await page.route("**/api/*/tasks*", (route) => route.fulfill({ status: 401 }), { times: 1 });
    await page.getByRole("button", { name: "Done", exact: true }).click();
    await page.getByText(dora.email).waitFor();
  });
  await page.getByText("Nothing to do.").waitFor();
}

async function withoutScripts() {
  const context = await someone(false);
  const page = await context.newPage();
  await signUp(page, carol);
  await page.locator("noscript .notice").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/login");
  await signIn(page, carol);
  await leave(context);
  say("signing up, out and in works without JavaScript");
}

/**
 * Keeps working until the rotation is over. The page believes that its tokens live for an hour, so only the API tells it
 * that they have expired. Users must not notice.
 */
async function throughRotation(context: BrowserContext, page: Page) {
  await page.addInitScript(() => {
    const { fetch } = window;
    window.fetch = async (...call) => {
      const response = await fetch(...call);
      if (call[0] !== "/token" || !response.ok) return response;
      return Response.json({ ...(await response.json()), expiresIn: 3600 });
    };
  });
  await page.goto(url);
  const before = await sessionCookie(context);
  const counted = { actions: 0, pages: 0 };
  const moved: string[] = [];
  page.on("framenavigated", (frame) => new URL(frame.url()).pathname !== "/" && moved.push(`went to ${frame.url()}`));
  const reader = await context.newPage(); // opens a page of the server repeatedly
  say("ready for a rotation");

  let over = false;
  const rotated = told.next().then(({ value }) => {
    assert.equal(value, "rotated");
    over = true;
  });
  const refusedBefore = watch.counted.refused;
  await watch.expecting([401], async () => {
    for (let i = 1; !over; i++) {
      await add(page, `Chore ${i}.`);
      await toggle(page, `Chore ${i}.`);
      await edit(page, `Chore ${i}.`, `Chore ${i}, changed.`);
      await remove(page, `Chore ${i}, changed.`);
      counted.actions += 4;
      await reader.goto(url);
      assert.equal(new URL(reader.url()).pathname, "/", "a page of the server came to the sign-in page");
      await row(reader, "Errand 20.").waitFor();
      counted.pages++;
    }
  });
  await rotated;
  await reader.close();
  page.removeAllListeners("framenavigated");
  const renewals = watch.counted.refused - refusedBefore;
  say(`worked through a rotation: ${JSON.stringify({ ...counted, renewals })}`);
  assert.deepEqual([...watch.wrong, ...moved], []);
  assert.ok(renewals > 0, "no token has expired");
  const after = await sessionCookie(context);
  assert.equal(after.token, before.token, "it is the same session");
  assert.notEqual(after.signature, before.signature, "its cookie has been signed anew");
}

async function sessionCookie(context: BrowserContext) {
  const cookie = (await context.cookies()).find(({ name }) => name.endsWith("better-auth.session_token"));
  const [token, signature] = decodeURIComponent(cookie!.value).split(/\.(?=[^.]*$)/);
  return { token, signature };
}

async function afterRevocation(page: Page) {
  say("ready for a revocation");
  assert.equal((await told.next()).value, "revoked");
  await page.getByLabel("New task").fill("Kept through the sign-in");
  await watch.expecting([401], async () => {
    await page.keyboard.press("Enter");
    await page.waitForURL("**/login?over");
  });
  await page.getByText("Your session is over.").waitFor();
  say("signed out by the revocation");
  await signIn(page, ada);
  await page.getByText("1–20 of 22").waitFor();
  assert.equal(await page.getByLabel("New task").inputValue(), "Kept through the sign-in");
  assert.ok(!(await box(page, "Errand 20.").isChecked()));
  await toggle(page, "Errand 20.");
}
