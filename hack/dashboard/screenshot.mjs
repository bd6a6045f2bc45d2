// Bundles the page and has Chromium draw it: screenshot.mjs PROMETHEUS END PICTURE.
import { build } from "esbuild";
import { chromium } from "playwright-core";

const [prometheus, end, path] = process.argv.slice(2);
// Grafana's CommonJS builds: esbuild would give their ES modules, which import CommonJS ones, other defaults than they expect.
const grafana = (name) => [`@grafana/${name}`, `./node_modules/@grafana/${name}/dist/cjs/index.cjs`];
const bundle = await build({
  entryPoints: ["page.jsx"], bundle: true, write: false, outdir: "/", format: "esm", jsx: "automatic", logLevel: "error",
  define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
  alias: Object.fromEntries(["data", "ui"].map(grafana)),
  loader: { ".woff2": "dataurl", ".woff": "empty", ".ttf": "empty", ".svg": "text" },
});
const text = (suffix) => bundle.outputFiles.find((file) => file.path.endsWith(suffix)).text;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1500 } });
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  // Of Prometheus's own origin, so that the page may ask it.
  await page.route(`${prometheus}/dashboard`, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
  await page.goto(`${prometheus}/dashboard#${end}`);
  await page.addStyleTag({ content: text(".css") });
  await page.addScriptTag({ content: text(".js"), type: "module" });
  await page.locator("section canvas").first().waitFor({ timeout: 30_000 }).catch((error) => errors.push(error));
  await page.evaluate(() => document.fonts.ready);
  if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join("\n"));
  await page.locator("body > div").first().screenshot({ path });
} finally {
  await browser.close();
}
