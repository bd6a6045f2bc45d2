import assert from "node:assert/strict";
import { test } from "node:test";
import { apiURL, appURL, taskApiURL, trustedOrigins } from "@/lib/urls";

const names = ["BETTER_AUTH_URL", "NEXT_PUBLIC_APP_URL", "NEXT_PUBLIC_API_URL", "API_URL"];

function given(settings: Record<string, string>) {
  for (const name of names) delete process.env[name];
  Object.assign(process.env, settings);
}

test("without settings everything is on this machine", () => {
  given({});
  assert.deepEqual([appURL(), apiURL(), taskApiURL(), trustedOrigins()], ["http://localhost:3000", "http://localhost:3000", "http://localhost:8000", []]);
});

test("browsers find the task API where the app is, unless told otherwise; the settings of now count", () => {
  given({ BETTER_AUTH_URL: "https://todo.example.com", NEXT_PUBLIC_APP_URL: "https://www.example.com", API_URL: "http://todo-backend.a.svc:8000" });
  assert.equal(apiURL(), "https://todo.example.com");
  assert.equal(taskApiURL(), "http://todo-backend.a.svc:8000");
  assert.deepEqual(trustedOrigins(), ["https://www.example.com"]);
  given({ BETTER_AUTH_URL: "https://todo.example.com", NEXT_PUBLIC_API_URL: "https://api.example.com" });
  assert.equal(apiURL(), "https://api.example.com");
});

test("an empty setting is none", () => {
  given({ BETTER_AUTH_URL: "", NEXT_PUBLIC_APP_URL: "", NEXT_PUBLIC_API_URL: "", API_URL: "" });
  assert.deepEqual([appURL(), apiURL(), taskApiURL(), trustedOrigins()], ["http://localhost:3000", "http://localhost:3000", "http://localhost:8000", []]);
});
