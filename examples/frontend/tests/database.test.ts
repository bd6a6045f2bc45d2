import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { betterAuth } from "better-auth";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { sql } from "drizzle-orm";
import { migrate, openDatabase } from "@/lib/database";
import * as schema from "@/lib/schema";

// Uses the PostgreSQL server of TEST_DATABASE_URL, or PGlite if it is unset.
const folder = mkdtempSync(join(tmpdir(), "frontend-"));
after(() => rmSync(folder, { recursive: true }));
const env = { DATABASE_URL: process.env.TEST_DATABASE_URL, PGLITE_DIR: folder };

test("an empty database is brought up to date, once, by several at once, and holds what Better Auth keeps", async () => {
  const database = await openDatabase(env);
  await Promise.all([migrate(database), migrate(database), migrate(database)]);
  const auth = betterAuth({
    baseURL: "http://localhost:3000",
    secret: "a-secret-0123456789-abcdefghijklmnopqrstuv",
    database: drizzleAdapter(database, { provider: "pg", schema }),
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
  });
  const account = { email: "ada@example.com", password: "correct horse battery" };
  await auth.api.signUpEmail({ body: { name: "Ada", ...account } });
  const { user } = await auth.api.signInEmail({ body: account });
  assert.equal(user.name, "Ada");
  // A select names every column of the schema, so it fails if one is missing.
  for (const table of [schema.user, schema.session, schema.account, schema.verification])
    await database.select().from(table as typeof schema.user);
  await database.execute(sql`delete from "user"`);
  assert.equal((await database.select().from(schema.session)).length, 0);
});
