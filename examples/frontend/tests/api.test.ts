import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ApiClient, ApiError, SignedOutError, UnreachableError } from "@/lib/api";

type Answer = (url: string, call: RequestInit) => Response | Error;

/** The requests in order, as METHOD path with the token. */
let asked: string[];
let calls: RequestInit[];
let over: string[];

beforeEach(() => {
  asked = [];
  calls = [];
  over = [];
});

/** Returns a client of a server that gives tokens t1, t2, … with a lifetime, and answers other requests as told. */
function client(answer: Answer, { expiresIn = 900, tokens = Infinity, userId = "ada" } = {}) {
  let minted = 0;
  const fetcher = async (input: RequestInfo | URL, call: RequestInit = {}) => {
    const url = String(input);
    const token = new Headers(call.headers).get("Authorization") ?? "";
    asked.push(`${call.method ?? "GET"} ${url} ${token}`.trim());
    if (url === "/token") {
      if (++minted > tokens) return new Response(null, { status: 401 });
      return Response.json({ token: `t${minted}`, userId, expiresIn });
    }
    calls.push(call);
    const answered = answer(url, call);
    if (answered instanceof Error) throw answered;
    return answered;
  };
  return new ApiClient("http://api", (why) => over.push(why), fetcher as typeof fetch);
}

const task = { id: 1, title: "Water the plants" };

test("a list has its total, and asks for what it is told to", async () => {
  const api = client(() => Response.json([task], { headers: { "X-Total-Count": "21" } }), { userId: "a/b" });
  assert.deepEqual(await api.getTasks("a/b", { completed: false, limit: 20, offset: 20 }), { tasks: [task], total: 21 });
  assert.equal(asked[1], "GET http://api/api/a%2Fb/tasks?completed=false&limit=20&offset=20 Bearer t1");
});

test("a list of an API that does not tell has no total", async () => {
  assert.deepEqual(await client(() => Response.json([task])).getTasks("ada"), { tasks: [task] });
});

test("a token is fetched once and kept", async () => {
  const api = client(() => Response.json([]));
  await api.getTasks("ada");
  await api.getTasks("ada");
  assert.equal(asked.filter((call) => call === "GET /token").length, 1);
});

test("a token is renewed before it is refused", async () => {
  const api = client(() => Response.json([]), { expiresIn: 0 });
  await api.getTasks("ada");
  await api.getTasks("ada");
  assert.deepEqual(
    asked.map((call) => call.split(" ").at(-1)),
    ["/token", "t1", "/token", "t2"],
  );
});

describe("a refused token", () => {
  const refuse = (wanted: string): Answer => (_, call) => {
    const fits = new Headers(call.headers).get("Authorization") === `Bearer ${wanted}`;
    return fits ? Response.json(task) : new Response(null, { status: 401 });
  };

  test("is renewed once, and nobody notices", async () => {
    const { task: made } = await client(refuse("t2")).createTask("ada", { title: task.title });
    assert.deepEqual(made, task);
    assert.deepEqual(over, []);
  });

  test("is renewed only once: refused then, it is the API that is wrong, and no reason to sign in again", async () => {
    const refused = client(refuse("t3")).getTask("ada", 1);
    await assert.rejects(refused, (error: ApiError) => error.status === 401 && /does not accept/.test(error.message));
    assert.deepEqual(over, []);
    assert.equal(asked.length, 4);
  });

  test("leads to the sign-in page when there is no session", async () => {
    await assert.rejects(client(refuse("t2"), { tokens: 1 }).getTask("ada", 1), SignedOutError);
    assert.deepEqual(over, ["signed out"]);
  });
});

test("a token of somebody else, who signed in in another tab, is not used", async () => {
  await assert.rejects(client(() => Response.json([]), { userId: "bob" }).getTasks("ada"), SignedOutError);
  assert.deepEqual(over, ["somebody else"]);
  assert.deepEqual(asked, ["GET /token"]);
});

test("the API gets the token, and no cookie", async () => {
  await client(() => Response.json([])).getTasks("ada");
  assert.equal(calls[0].credentials, "omit");
});

test("an edit names the version that it is of; a refusal speaks the API's words", async () => {
  const changed = Response.json({ detail: "the task has changed" }, { status: 412 });
  const api = client((_, call) => (call.method === "PUT" ? changed : Response.json(task, { headers: { ETag: '"7"' } })));
  const { etag } = await api.getTask("ada", 1);
  const refused = api.updateTask("ada", 1, { title: "x" }, etag);
  await assert.rejects(refused, (error: ApiError) => error.status === 412 && error.message === "the task has changed");
  assert.equal(new Headers(calls[1].headers).get("If-Match"), '"7"');
});

test("each API's way to say what is wrong with a field is understood", async () => {
  for (const [problem, message] of [
    [{ detail: "the request is not valid", errors: [{ location: "body.title", message: "is too long" }] }, "title is too long"],
    [{ detail: [{ loc: ["body", "title"], msg: "must not be null", type: "value_error" }] }, "title: must not be null"],
    [{ detail: { code: 7 } }, "it answered 422"],
  ] as const) {
    const refused = client(() => Response.json(problem, { status: 422 })).createTask("ada", { title: "" });
    await assert.rejects(refused, (error: ApiError) => error.status === 422 && error.message === message);
  }
});

test("tasks are added on plain http too, where crypto.randomUUID is missing", async (t) => {
  const bare = { getRandomValues: crypto.getRandomValues.bind(crypto) };
  t.mock.getter(globalThis, "crypto", () => bare as unknown as Crypto);
  const api = client(() => Response.json(task));
  await api.createTask("ada", { title: task.title });
  await api.createTask("ada", { title: task.title });
  const keys = calls.map((call) => new Headers(call.headers).get("Idempotency-Key") ?? "");
  for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
  assert.notEqual(keys[0], keys[1]);
});

test("a failure of the network is told from a mistake of ours", async () => {
  const mistake: Answer = () => ({ status: 200, ok: true, headers: null, json: async () => task }) as unknown as Response;
  await assert.rejects(client(mistake).deleteTask("ada", 1), TypeError);
  const proxy: Answer = () => new Response("<html>", { headers: { "Content-Type": "text/html" } });
  await assert.rejects(client(proxy).deleteTask("ada", 1), UnreachableError);
});

test("what did not get through is sent again where that does no harm", async () => {
  let failures = 0;
  const flaky: Answer = () => (++failures === 1 ? new TypeError("fetch failed") : failures === 2 ? new Response(null, { status: 503 }) : Response.json(task));
  await client(flaky).createTask("ada", { title: task.title });
  const keys = calls.map((call) => new Headers(call.headers).get("Idempotency-Key"));
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  failures = 0;
  await assert.rejects(client(flaky).toggleTaskCompletion("ada", 1), UnreachableError);
});
