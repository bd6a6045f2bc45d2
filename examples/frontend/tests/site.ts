/** Reads the site of the documentation in a real browser: site.ts URL FOLDER-FOR-SCREENSHOTS. The search must find a page. */
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { Watch } from "./watch";

const [url, folder] = process.argv.slice(2);
const watch = new Watch();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const context = await browser.newContext({ viewport: { width: 1300, height: 900 } });
  context.setDefaultTimeout(30_000);
  watch.on(context, true);
  const others: string[] = [];
  context.on("request", (request) => new URL(request.url()).origin !== url && !request.url().startsWith("data:") && others.push(request.url()));
  const page = await context.newPage();
  await page.goto(url, { waitUntil: "networkidle" });
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("searchbox").fill("restore a lost key");
  await page.getByRole("option").filter({ hasText: "Back up and restore keys" }).first().click();
  await page.waitForURL("**/backup.html*");
  await page.getByRole("heading", { level: 1, name: "Back up and restore keys" }).waitFor();
  await page.screenshot({ path: `${folder}/site.png` });
  assert.deepEqual(others, [], "requests to other hosts");
  assert.deepEqual(watch.wrong, []);
  console.log("done");
} finally {
  await browser.close();
}
