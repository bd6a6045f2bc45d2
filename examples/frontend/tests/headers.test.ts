import assert from "node:assert/strict";
import { test } from "node:test";
import { getPathMatch } from "next/dist/shared/lib/router/utils/path-match.js";
import config from "@/next.config";

test("every answer forbids browsers to guess its type", async () => {
  const rules = await config.headers!();
  for (const path of ["/", "/login", "/token", "/healthz", "/icon.svg", "/nowhere", "/api/auth/get-session", "/_next/static/chunks/a.js"]) {
    const sent = rules.filter(({ source }) => getPathMatch(source)(path)).flatMap(({ headers }) => headers);
    assert.deepEqual(sent, [{ key: "X-Content-Type-Options", value: "nosniff" }], path);
  }
});
