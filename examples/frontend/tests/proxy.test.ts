import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { NextRequest } from "next/server";
import { proxy } from "@/proxy";

beforeEach(() => {
  process.env.API_URL = "http://todo-backend.team-a.svc:8000";
  process.env.NEXT_PUBLIC_API_URL = "https://api.example.com/v1";
});

const request = (path: string) =>
  new NextRequest(`https://todo.example.com${path}`, { headers: { cookie: "session=secret", authorization: "Bearer token" } });

/** Returns the headers that Next.js passes on instead of the headers of the request. */
function passedOn(response: Response) {
  const names = response.headers.get("x-middleware-override-headers")!.split(",");
  return new Map(names.map((name) => [name, response.headers.get(`x-middleware-request-${name}`)]));
}

test("what is for the task API goes there, with the token and without the session", () => {
  const response = proxy(request("/api/ada/tasks?limit=2"));
  assert.equal(response.headers.get("x-middleware-rewrite"), "http://todo-backend.team-a.svc:8000/api/ada/tasks?limit=2");
  const headers = passedOn(response);
  assert.equal(headers.get("authorization"), "Bearer token");
  assert.ok(!headers.has("cookie"));
  assert.equal(response.headers.get("x-middleware-request-cookie"), null);
});

test("a page runs its own scripts, by a nonce of its own, and talks to this host and the task API alone", () => {
  const response = proxy(request("/"));
  const policy = response.headers.get("content-security-policy")!;
  const directives = new Map(policy.split("; ").map((line) => [line.split(" ")[0], line.slice(line.indexOf(" ") + 1)]));
  assert.match(directives.get("script-src")!, /^'self' 'nonce-[A-Za-z0-9+/=]{20,}' 'strict-dynamic'$/);
  assert.equal(directives.get("connect-src"), "'self' https://api.example.com");
  assert.equal(directives.get("style-src"), "'self'");
  for (const name of ["object-src", "base-uri", "frame-ancestors"]) assert.equal(directives.get(name), "'none'");
  assert.equal(passedOn(response).get("content-security-policy"), policy, "Next.js finds the nonce there");
  assert.notEqual(proxy(request("/")).headers.get("content-security-policy"), policy);
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  assert.equal(response.headers.get("referrer-policy"), "same-origin");
});
