/**
 * Uses the app as people do, in a real browser: browser.ts <url> <folder for screenshots>.
 *
 * It tells on standard output what it has done, and is told on standard input, a line each, when a rotation is over
 * ("rotated") and when everything has been revoked ("revoked").
 */
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { type BrowserContext, type Page, chromium } from "playwright-core";

const [url, folder] = process.argv.slice(2);
const password = "correct horse battery";
const run = Date.now().toString(36);
const ada = { name: "Ada", email: `ada-${run}@example.com` };
const bob = { name: "Bob", email: `bob-${run}@example.com` };
const carol = { name: "Carol", email: `carol-${run}@example.com` };
type Person = typeof ada;

const told = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const started = Date.now();

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
  await signUp(page, ada);
  await everyday(page);
  await signingOutAndIn(page);
  await conflict(context, page);
  await manyTasks(page);
  await without(ada);
  await withoutScripts();
  await throughRotation(context, page);
  await afterRevocation(page);
}

async function someone(javaScriptEnabled = true): Promise<BrowserContext> {
  const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 880, height: 620 }, deviceScaleFactor: 1.5 });
  context.setDefaultTimeout(30_000);
  return context;
}

/** Sends the form of a page for credentials; where there were too many of them, as anyone would: later again. */
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

  await page.getByRole("button", { name: "Open", exact: true }).click();
  await row(page, "Water the plants").waitFor({ state: "detached" });
  assert.equal(await page.getByRole("listitem").count(), 2);
  await page.getByRole("button", { name: "Done", exact: true }).click();
  await row(page, "Call Grace back").waitFor({ state: "detached" });
  assert.equal(await page.getByRole("listitem").count(), 1);
  await page.getByRole("button", { name: "All", exact: true }).click();
  await row(page, "Write the report").waitFor();

  await remove(page, "Write the report");
  await page.getByRole("button", { name: "Undo" }).click();
  await row(page, "Write the report").waitFor();
  await remove(page, "Write the report");
  say("tasks added, edited, done, filtered, deleted and brought back");
}

async function signingOutAndIn(page: Page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/login");
  await submit(page, { "E-mail": ada.email, Password: "wrong password" }, "Sign in");
  await page.getByText("Invalid email or password").waitFor();
  assert.equal(await page.getByLabel("E-mail").inputValue(), ada.email, "what was typed stays");
  await signIn(page, ada);
  await row(page, "Call Grace back").waitFor();
  assert.ok(await box(page, "Water the plants").isChecked());
  assert.equal(await page.getByRole("listitem").count(), 2);
}

/** Two windows edit one task: the later is told, and nothing is lost. */
async function conflict(context: BrowserContext, page: Page) {
  const other = await context.newPage();
  await other.goto(url);
  await other.getByRole("button", { name: "Edit “Call Grace back”" }).click();
  await other.getByLabel("Title").fill("Forget Grace");
  await edit(page, "Call Grace back", "Call Grace at noon");
  await other.getByRole("button", { name: "Save" }).click();
  await said(other, "changed elsewhere");
  await other.close();
  await page.reload();
  await row(page, "Call Grace at noon").waitFor();
  say("an edit of what has changed meanwhile was refused");
}

async function manyTasks(page: Page) {
  for (let i = 1; i <= 20; i++) await add(page, `Errand ${i}.`);
  await page.getByText("1–20 of 22").waitFor();
  await page.getByRole("button", { name: "Older" }).click();
  await page.getByText("21–22 of 22").waitFor();
  await row(page, "Water the plants").waitFor();
  await page.getByRole("button", { name: "Newer" }).click();
  await page.getByText("1–20 of 22").waitFor();
  say("pages turned");
}

/** Another user sees nothing of the owner's, not even when asking for it. */
async function without(owner: Person) {
  const context = await someone();
  const page = await context.newPage();
  await signUp(page, bob);
  await page.getByText("Nothing to do.").waitFor();
  const owners = browser.contexts()[0].pages()[0];
  const userId = await owners.evaluate(async () => (await (await fetch("/token")).json()).userId);
  const status = await page.evaluate(async (id) => {
    const { token } = await (await fetch("/token")).json();
    return (await fetch(`/api/${id}/tasks`, { headers: { Authorization: `Bearer ${token}` } })).status;
  }, userId);
  assert.equal(status, 403, `${bob.name} may not see what ${owner.name} has to do`);
  await context.close();
  say("another user sees nothing of it");
}

async function withoutScripts() {
  const context = await someone(false);
  const page = await context.newPage();
  await signUp(page, carol);
  await page.locator("noscript .notice").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/login");
  await signIn(page, carol);
  await context.close();
  say("signing up, out and in works without JavaScript");
}

/**
 * Works on until the rotation is over. The page believes that its tokens live for an hour: that they expire, it learns
 * from the API alone, and must get over it unnoticed.
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
  const counted = { actions: 0, pages: 0, renewals: 0, answers: 0 };
  const wrong: string[] = [];
  page.on("response", (response) => {
    counted.answers++;
    if (response.status() === 401) counted.renewals++;
    else if (response.status() >= 400) wrong.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  page.on("framenavigated", (frame) => new URL(frame.url()).pathname !== "/" && wrong.push(`went to ${frame.url()}`));
  const reader = await context.newPage(); // opens a page of the server time and again
  say("ready for a rotation");

  let over = false;
  const rotated = told.next().then(({ value }) => {
    assert.equal(value, "rotated");
    over = true;
  });
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
  await rotated;
  await reader.close();
  page.removeAllListeners("response");
  page.removeAllListeners("framenavigated");
  say(`worked through a rotation: ${JSON.stringify(counted)}`);
  assert.deepEqual(wrong, []);
  assert.ok(counted.renewals > 0, "no token has expired");
}

async function afterRevocation(page: Page) {
  say("ready for a revocation");
  assert.equal((await told.next()).value, "revoked");
  await box(page, "Errand 20.").click();
  await page.waitForURL("**/login");
  say("signed out by the revocation");
  await signIn(page, ada);
  await page.getByText("1–20 of 22").waitFor();
  assert.ok(!(await box(page, "Errand 20.").isChecked()));
  await toggle(page, "Errand 20.");
}
