import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { type ApiClient, ApiError, type PageQuery, SignedOutError, type Task, type TaskChange, type TaskDraft, UnreachableError } from "@/lib/api";
import { TaskList } from "@/lib/task-list";

/** An API that keeps tasks, newest first, and fails or waits if a test says so. */
class Api {
  tasks: Task[] = [];
  queries: PageQuery[] = [];
  /** Promises that the next calls wait for, by the name of the method. */
  waits: Record<string, Promise<unknown>[]> = {};
  /** Reports whether the API returns the total. */
  counts = true;
  private readonly made = new Map<string, Task>();
  private ids = 0;

  private turn = async (method: string) => void (await this.waits[method]?.shift());

  async getTasks(_: string, query: PageQuery) {
    this.queries.push(query);
    const matching = this.tasks.filter((task) => query.completed === undefined || task.completed === query.completed);
    const { offset = 0, limit = 50 } = query;
    const page = { tasks: matching.slice(offset, offset + limit), ...(this.counts && { total: matching.length }) };
    await this.turn("getTasks");
    return page;
  }

  async getTask(_: string, id: number) {
    await this.turn("getTask");
    return { task: this.find(id), etag: `"${id}"` };
  }

  async createTask(userId: string, { title, description = null, completed = false }: TaskDraft, key: string) {
    const task = this.made.get(key) ?? { id: ++this.ids, user_id: userId, title, description, completed, created_at: "", updated_at: "" };
    if (!this.made.has(key)) this.tasks.unshift(task);
    this.made.set(key, task);
    await this.turn("createTask");
    return { task, etag: null };
  }

  async updateTask(_: string, id: number, change: TaskChange) {
    await this.turn("updateTask");
    return { task: Object.assign(this.find(id), change), etag: null };
  }

  async toggleTaskCompletion(_: string, id: number) {
    await this.turn("toggleTaskCompletion");
    const task = this.find(id);
    const after = { ...task, completed: !task.completed };
    this.tasks[this.tasks.indexOf(task)] = after;
    return { task: after, etag: null };
  }

  async deleteTask(_: string, id: number) {
    const task = this.find(id);
    this.tasks.splice(this.tasks.indexOf(task), 1);
    await this.turn("deleteTask");
    return { task, etag: null };
  }

  private find = (id: number) => this.tasks.find((task) => task.id === id)!;
}

let api: Api;
let list: TaskList;
const titles = () => list.shown().tasks?.map((task) => task.title);
const failing = (error: Error = new UnreachableError("no network")) => {
  const failure = Promise.reject(error);
  failure.catch(() => {});
  return failure;
};
/** Waits until every read has ended. */
const settled = async () => {
  do await new Promise(setImmediate);
  while (list.shown().reading);
};

beforeEach(async () => {
  api = new Api();
  list = new TaskList(api as unknown as ApiClient, "ada");
  for (const title of ["first", "second"]) await list.add({ title });
  await settled();
});

const found = (title: string) => list.shown().tasks!.find((task) => task.title === title)!;

test("an action that ends after another view was chosen leaves that view", async () => {
  let go = () => {};
  api.waits.toggleTaskCompletion = [new Promise<void>((done) => (go = done))];
  const toggled = list.toggle(found("first"));
  await list.show({ filter: "Done", offset: 0 });
  go();
  await toggled;
  await settled();
  assert.equal(list.shown().view.filter, "Done");
  assert.deepEqual(titles(), ["first"]);
});

test("of several readings the last counts, whichever comes last", async () => {
  let go = () => {};
  api.waits.getTasks = [new Promise<void>((done) => (go = done))];
  const slow = list.show({ filter: "All", offset: 0 });
  await list.show({ filter: "Done", offset: 0 });
  go();
  await slow;
  assert.deepEqual(titles(), []);
});

describe("undo", () => {
  test("belongs to the deletion, and goes with the next action", async () => {
    await list.remove(found("first"));
    assert.equal(list.shown().said?.deleted?.task.title, "first");
    await list.add({ title: "third" });
    assert.deepEqual(list.shown().said, { text: "Added “third”." });
  });

  test("can be tried again when it failed, and brings back one task", async () => {
    await list.remove(found("first"));
    api.waits.createTask = [failing()];
    await list.undo(list.shown().said!.deleted!);
    assert.ok(list.shown().said?.wrong);
    await list.undo(list.shown().said!.deleted!);
    await settled();
    assert.deepEqual(list.shown().said, { text: "“first” is back." });
    assert.deepEqual(titles(), ["first", "second"]);
  });
});

describe("what was added", () => {
  test("is said to be, even when the list cannot be read then; that can be made up for", async () => {
    api.waits.getTasks = [failing()];
    assert.equal(await list.add({ title: "third" }), true);
    await settled();
    assert.equal(list.shown().said?.text, "Added “third”.");
    assert.match(list.shown().unread!, /cannot be reached/);
    assert.deepEqual(titles(), ["second", "first"], "what was there stays in sight");
    await list.show();
    assert.equal(list.shown().unread, undefined);
    assert.deepEqual(titles(), ["third", "second", "first"]);
  });

  test("is one task, when the answer was lost and it is tried again", async () => {
    api.waits.createTask = [failing()];
    assert.equal(await list.add({ title: "third" }), false);
    assert.equal(await list.add({ title: "third" }), true);
    assert.equal(await list.add({ title: "third" }), true, "another of the same title, once the first is known of");
    await settled();
    assert.deepEqual(titles(), ["third", "third", "second", "first"]);
  });

  test("is shown: on the first page, of all tasks where the filter leaves it out", async () => {
    await list.show({ filter: "Done", offset: 20 });
    await list.add({ title: "third" });
    await settled();
    assert.deepEqual(list.shown().view, { filter: "All", offset: 0 });
    await list.show({ filter: "Open", offset: 0 });
    await list.add({ title: "fourth" });
    await settled();
    assert.deepEqual(list.shown().view, { filter: "Open", offset: 0 });
  });
});

test("saving twice saves once", async () => {
  const saved = [list.save(found("first"), { title: "x" }, '"1"'), list.save(found("first"), { title: "x" }, '"1"')];
  assert.deepEqual(await Promise.all(saved), [true, false]);
  assert.deepEqual(list.shown().said, { text: "Saved." });
});

test("a task that has changed elsewhere is told as that", async () => {
  api.waits.updateTask = [failing(new ApiError(412, "the task has changed"))];
  assert.equal(await list.save(found("first"), { title: "x" }, '"1"'), false);
  assert.match(list.shown().said!.text, /changed elsewhere/);
});

test("the end of a session needs no words: the page is left", async () => {
  api.waits.getTask = [failing(new SignedOutError())];
  api.waits.getTasks = [failing(new SignedOutError())];
  const before = list.shown().said;
  assert.equal(await list.read(found("first")), undefined);
  await list.show();
  assert.equal(list.shown().said, before);
  assert.equal(list.shown().unread, undefined);
});

test("a view that cannot be read is not the one before under another name", async () => {
  api.waits.getTasks = [failing()];
  await list.show({ filter: "Done", offset: 0 });
  assert.equal(titles(), undefined);
  assert.equal(list.shown().reading, false);
});

for (const counts of [true, false]) {
  test(`pages are turned ${counts ? "with" : "without"} a total`, async () => {
    api.counts = counts;
    for (let i = 0; i < 19; i++) await list.add({ title: `errand ${i}` });
    await settled();
    const { from, total, more, tasks } = list.shown();
    assert.deepEqual([from, total, more, tasks?.length], [0, counts ? 21 : undefined, true, 20]);
    await list.turn(1);
    assert.deepEqual([list.shown().from, list.shown().more, titles()], [20, false, ["first"]]);
    await list.remove(found("first"));
    await settled();
    assert.deepEqual([list.shown().from, list.shown().more, titles()?.length], [0, false, 20], "an empty page is none");
  });
}
