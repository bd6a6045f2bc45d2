import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("..", import.meta.url);

test("the package holds built code, types, its README and the license, and nothing else", () => {
  const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--loglevel=error", "--foreground-scripts=false"], { cwd: folder, encoding: "utf8" });
  const parsed = JSON.parse(output.slice(output.search(/^[[{]/m)));
  const [packed] = Object.values(parsed) as { files: { path: string }[] }[];
  const modules = ["encrypted", "header", "index", "keys", "signed"].flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]);
  assert.deepEqual(packed.files.map(({ path }) => path).sort(), ["LICENSE", "README.md", ...modules, "package.json"].sort());
});

test("it needs nothing but Better Auth", () => {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
  assert.equal(dependencies, undefined);
  assert.deepEqual(Object.keys(peerDependencies), ["better-auth"]);
});
