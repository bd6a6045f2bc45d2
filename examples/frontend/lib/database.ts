import "server-only";
import { mkdirSync } from "node:fs";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import { Pool } from "pg";
import { migrations } from "./migrations";
import * as schema from "./schema";

export type Database = PgDatabase<PgQueryResultHKT, typeof schema>;

/**
 * Opens the database of users and sessions: the PostgreSQL server of DATABASE_URL or, without one, PGlite in the folder
 * PGLITE_DIR. Only one process may use a PGlite folder: two would destroy each other's data.
 */
export async function openDatabase(env: Record<string, string | undefined> = process.env): Promise<Database> {
  if (env.DATABASE_URL) {
    const pool = new Pool({ connectionString: env.DATABASE_URL, max: 10, connectionTimeoutMillis: 5000 });
    pool.on("error", (error) => console.error("an idle database connection broke:", error.message));
    return drizzle(pool, { schema });
  }
  const folder = env.PGLITE_DIR ?? ".data/pglite";
  mkdirSync(folder, { recursive: true });
  const { drizzle: embedded } = await import("drizzle-orm/pglite");
  return embedded(folder, { schema });
}

/** An advisory lock number that other programs are unlikely to use. */
const migrating = 7_305_166_411;

/** Runs the missing migrations. Several processes may call it at the same time. */
export async function migrate(database: Database): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${migrating}::bigint)`);
    await tx.execute(sql`create table if not exists frontend_migrations (step integer primary key)`);
    const result = await tx.execute(sql`select count(*)::integer as done from frontend_migrations`);
    const [{ done }] = (result as unknown as { rows: { done: number }[] }).rows;
    for (const [index, statements] of migrations.entries()) {
      if (index < done) continue;
      for (const statement of statements) await tx.execute(sql.raw(statement));
      await tx.execute(sql`insert into frontend_migrations values (${index + 1})`);
    }
  });
}
