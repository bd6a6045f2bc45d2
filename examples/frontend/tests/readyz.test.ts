import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { GET as healthz } from "@/app/healthz/route";
import { GET as readyz } from "@/app/readyz/route";

const folder = mkdtempSync(join(tmpdir(), "frontend-"));
after(() => rmSync(folder, { recursive: true }));

test("it is not ready while the database is away, lives all the same, and is ready once it is there", async (t) => {
  t.mock.method(console, "error", () => {});
  process.env.BETTER_AUTH_SECRET = "a-secret-0123456789-abcdefghijklmnopqrstuv";
  process.env.DATABASE_URL = "postgres://nobody:password@127.0.0.1:1/none";
  const refused = await readyz();
  assert.equal(refused.status, 503);
  assert.doesNotMatch(await refused.text(), /password|127\.0\.0\.1/);
  assert.equal(healthz().status, 200);

  delete process.env.DATABASE_URL;
  process.env.PGLITE_DIR = folder;
  assert.equal((await readyz()).status, 200);
});
