/** Starts frontends with the real Better Auth, and browsers that keep the cookies they receive. */
import assert from "node:assert/strict";
import { betterAuth, type BetterAuthOptions } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { carryOver } from "better-auth-carry-over";

export const one = "1:first-secret-0123456789-abcdefghijklmnopqr";
export const two = "2:second-secret-0123456789-abcdefghijklmnop";
export const three = "3:third-secret-0123456789-abcdefghijklmnopq";

export type Settings = { versions?: string; plugin?: boolean; url?: string; legacy?: string; auth?: Partial<BetterAuthOptions> };

/** The database that all replicas share. */
let database: Record<string, Record<string, unknown>[]>;

export function emptyDatabase() {
  database = { user: [], session: [], account: [], verification: [] };
}

/** Starts a frontend with these secrets, the current one first; without any it has the legacy secret alone. */
export function frontend(secrets: string, { versions = "1,2,3", plugin = true, url = "http://localhost:3000", legacy, auth = {} }: Settings = {}) {
  const entries = secrets.split(",").filter(Boolean).map((entry) => {
    const [version, value] = entry.split(":");
    return { version: Number(version), value };
  });
  return betterAuth({
    baseURL: url,
    secrets: entries.length > 0 ? entries : undefined,
    secret: legacy,
    database: memoryAdapter(database),
    // Real hashing is slow on purpose, and these tests do not depend on it.
    emailAndPassword: { enabled: true, password: { hash: async (p) => p, verify: async (v) => v.hash === v.password } },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    telemetry: { enabled: false },
    ...auth,
    plugins: [...(plugin ? [carryOver({ versions })] : []), ...(auth.plugins ?? [])],
  });
}

export type Frontend = ReturnType<typeof frontend>;

/** A browser that keeps the cookies it receives. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly set = new Map<string, string>();

  constructor(private readonly url = "http://localhost:3000") {}

  async call(app: Frontend, path: string, body?: object, more: Record<string, string> = {}) {
    const headers = new Headers({ origin: this.url, "content-type": "application/json", ...more });
    headers.set("cookie", this.header());
    const init = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) };
    const response = await app.handler(new Request(`${this.url}/api/auth${path}`, init));
    this.keep(response.headers.getSetCookie());
    return response;
  }

  keep(lines: string[]) {
    for (const line of lines) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      this.set.set(name, line);
      if (/max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  header() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async signUp(app: Frontend, user = "ada") {
    const account = { name: user, email: `${user}@example.com`, password: "correct horse battery" };
    assert.equal((await this.call(app, "/sign-up/email", account)).status, 200);
    this.set.clear();
  }

  /** Returns the e-mail address of the signed-in user as the frontend sees it, or undefined. */
  async user(app: Frontend, more: Record<string, string> = {}): Promise<string | undefined> {
    return (await (await this.call(app, "/get-session", undefined, more)).json())?.user.email;
  }

  async isSignedIn(app: Frontend) {
    return (await this.user(app)) !== undefined;
  }
}
