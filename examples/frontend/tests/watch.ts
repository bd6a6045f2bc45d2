/** Watches browsers for errors, and records everything that they receive. */
import assert from "node:assert/strict";
import type { BrowserContext, Request, Response } from "playwright-core";

export class Watch {
  /** The errors so far: of scripts, in the console (such as violations of the policy), and failed requests. */
  readonly wrong: string[] = [];
  readonly counted = { answers: 0, refused: 0, lost: 0 };
  /** Each URL, header and body that a browser received, once, with its origin. */
  private readonly given = new Map<string, string>();
  private readonly reading = new Set<Promise<void>>();
  private expected: number[] = [];
  /** The requests without an answer. */
  private readonly pending = new Set<Request>();

  on(context: BrowserContext, scripts: boolean) {
    context.on("weberror", (error) => this.wrong.push(`error on ${error.page()?.url()}: ${error.error()}`));
    // The status of an answer is checked in the handler for responses.
    context.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource: the server responded with"))
        this.wrong.push(`console on ${message.page()?.url()}: ${message.text()}`);
    });
    // A page that is left aborts its requests, and a page without JavaScript blocks its scripts.
    const fine = ["net::ERR_ABORTED", ...(scripts ? [] : ["csp"])];
    context.on("request", (request) => this.pending.add(request));
    context.on("requestfinished", (request) => this.pending.delete(request));
    context.on("requestfailed", (request) => {
      this.pending.delete(request);
      const why = request.failure()?.errorText ?? "";
      if (!fine.includes(why)) this.wrong.push(`${why} ${request.method()} ${request.url()}`);
    });
    context.on("response", (response) => {
      this.counted.answers++;
      if (response.status() >= 400) this.judge(response);
      else if (response.headers()["x-content-type-options"] !== "nosniff") this.wrong.push(`no nosniff: ${response.url()}`);
      const read = this.keep(response);
      this.reading.add(read);
      void read.finally(() => this.reading.delete(read));
    });
  }

  /** Runs something during which the server may answer with these statuses. */
  async expecting<T>(statuses: number[], something: () => Promise<T>): Promise<T> {
    this.expected = statuses;
    try {
      return await something();
    } finally {
      this.expected = [];
    }
  }

  /** Records the cookies and the storage of a context before it is closed. */
  async holding(context: BrowserContext) {
    this.given.set(JSON.stringify(await context.storageState()), "cookies and storage");
    for (const page of context.pages())
      this.given.set(await page.evaluate(() => JSON.stringify({ ...sessionStorage })), `storage of ${page.url()}`);
    await Promise.all(this.reading);
  }

  /** Checks that no browser received one of these values in any encoding. `known` must be among the recorded texts. */
  withheld(secrets: string[], known: string) {
    assert.ok(secrets.length > 0 && secrets.every((secret) => secret.length >= 32), "there is nothing to look for");
    assert.ok([...this.given.keys()].some((text) => text.includes(known)), "what browsers were given was not kept");
    for (const [index, secret] of secrets.entries()) {
      const base64 = Buffer.from(secret).toString("base64").replace(/=+$/, "");
      const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64];
      for (const [text, whence] of this.given)
        assert.ok(!forms.some((form) => text.includes(form)), `key ${index + 1} of ${secrets.length} was given to a browser: ${whence}`);
    }
  }

  /** Lists the errors so far and the requests that wait for an answer. */
  troubles(): string[] {
    return [...this.wrong, ...[...this.pending].map((request) => `no answer to ${request.method()} ${request.url()}`)];
  }

  private judge(response: Response) {
    if (this.expected.includes(response.status())) this.counted.refused++;
    else this.wrong.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  }

  private async keep(response: Response) {
    const whence = `${response.request().method()} ${response.url()}`;
    const headers = await response.allHeaders().catch(() => ({}));
    this.given.set([response.url(), ...Object.entries(headers).flat()].join("\n"), `headers of ${whence}`);
    if (response.status() >= 300 && response.status() < 400) return;
    const body = await response.text().catch(() => undefined);
    if (body === undefined) this.counted.lost++; // its page was left before the body was read
    else this.given.set(body, `body of ${whence}`);
  }
}
