/**
 * Uses the task API's page /docs in a real browser: api-docs.ts URL-OF-THE-API FOLDER-FOR-SCREENSHOTS.
 *
 * It reads one line: a user and a token of this user. The page must keep to its policy and request nothing from another host.
 */
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { type Page, chromium } from "playwright-core";
import { Watch } from "./watch";

const [url, folder] = process.argv.slice(2);
const told = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const watch = new Watch();
const asked: string[] = [];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  console.log("ready for a token");
  const [user, token] = (await told.next()).value!.split(" ");
  await play(user, token);
  console.log("done");
} finally {
  await browser.close();
  process.stdin.destroy();
}

async function play(user: string, token: string) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 1000 } });
  context.setDefaultTimeout(30_000);
  watch.on(context, true);
  context.on("request", (request) => asked.push(request.url()));
  const page = await context.newPage();
  await page.goto(`${url}/docs`);
  await page.getByRole("heading", { name: "Task API" }).waitFor();

  assert.equal(await watch.expecting([401], () => tryOut(page, user)), "401", "a request without a token");
  await authorize(page, token);
  assert.equal(await tryOut(page, user), "200", "a request with a token");
  await page.screenshot({ path: `${folder}/api-docs.png` });

  const others = asked.filter((target) => !/^(data|blob):/.test(target) && new URL(target).origin !== new URL(url).origin);
  assert.deepEqual(others, [], "requests to other hosts");
  assert.ok(asked.some((target) => target.includes(`/api/${user}/tasks`)), "the requests were recorded");
  assert.deepEqual(watch.wrong, []);
  await page.reload();
  await page.getByRole("heading", { name: "Task API" }).waitFor();
  assert.ok(!JSON.stringify(await context.storageState()).includes(token), "the token is not stored");
}

async function authorize(page: Page, token: string) {
  await page.getByRole("button", { name: "Authorize" }).first().click();
  const dialog = page.locator(".modal-ux");
  await dialog.getByRole("textbox").fill(token);
  await dialog.getByRole("button", { name: "Apply credentials" }).click();
  await dialog.getByRole("button", { name: "Close" }).last().click();
}

/** Lists the tasks of a user with "Try it out", and returns the status that the page shows. */
async function tryOut(page: Page, user: string): Promise<string> {
  const operation = page.locator("#operations-tasks-listTasks");
  if (!(await operation.getByRole("button", { name: /Try it out|Cancel/ }).isVisible())) {
    await operation.locator(".opblock-summary-control").click();
    await operation.getByRole("button", { name: "Try it out" }).click();
  }
  await operation.getByPlaceholder("user_id").fill(user);
  const answered = page.waitForResponse((response) => response.url().includes(`/api/${user}/tasks`));
  await operation.getByRole("button", { name: "Execute" }).click();
  const status = String((await answered).status());
  const shown = operation.locator(".live-responses-table .response-col_status", { hasText: status });
  await shown.last().waitFor();
  return status;
}
