import type { Problem, Task, TaskChange, TaskDraft, operations } from "./task-api";

export type { Task, TaskChange, TaskDraft };

/** A task, with the validator by which the API detects later changes. */
export type ReadTask = { task: Task; etag: string | null };

/** Tasks of one page, and the number of tasks on all pages if the API returns it. */
export type Page = { tasks: Task[]; total?: number };

export type PageQuery = NonNullable<operations["listTasks"]["parameters"]["query"]>;

/** An error that the task API returned, with its message. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** A request without an answer. The API may have carried it out. */
export class UnreachableError extends Error {
  constructor(cause: unknown) {
    super("The server cannot be reached. Please try again.", { cause });
  }
}

/** The user's session has ended: the frontend gives no token, or the token of another user who has signed in since. */
export class SignedOutError extends Error {}

export type Over = "signed out" | "somebody else";

type Call = Omit<RequestInit, "headers"> & { headers?: Record<string, string> };

type Held = { token: string; userId: string; until: number };

const unavailable = new Set([502, 503, 504]);
const tries = 4;

/**
 * Calls the task API with a token of the signed-in user. It fetches the token from the frontend's server, renews it before
 * it expires, and renews it once more if the API rejects it.
 */
export class ApiClient {
  private held?: Promise<Held>;

  /** onSessionOver is called if the session belongs to another user or has ended. */
  constructor(
    private readonly baseUrl: string,
    private readonly onSessionOver: (why: Over) => void,
    private readonly fetcher: typeof fetch = (...call) => fetch(...call),
  ) {}

  async getTasks(userId: string, query: PageQuery = {}): Promise<Page> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
    const response = await this.request(userId, `?${search}`);
    const total = response.headers.get("X-Total-Count");
    return { tasks: await decoded(response), ...(total !== null && { total: Number(total) }) };
  }

  async getTask(userId: string, taskId: number): Promise<ReadTask> {
    return read(await this.request(userId, `/${taskId}`));
  }

  /** Adds a task. The API creates one task for each idempotency key, so a repetition must use the same key. */
  async createTask(userId: string, task: TaskDraft, key = newKey()): Promise<ReadTask> {
    const headers = { "Idempotency-Key": key };
    return read(await this.request(userId, "", { method: "POST", headers, body: JSON.stringify(task) }));
  }

  /** Changes a task. With an etag it fails with an ApiError of status 412 if the task has changed since. */
  async updateTask(userId: string, taskId: number, change: TaskChange, etag?: string | null): Promise<ReadTask> {
    const headers: Record<string, string> = etag ? { "If-Match": etag } : {};
    const body = JSON.stringify(change);
    return read(await this.request(userId, `/${taskId}`, { method: "PUT", headers, body }));
  }

  async toggleTaskCompletion(userId: string, taskId: number): Promise<ReadTask> {
    return read(await this.request(userId, `/${taskId}/complete`, { method: "PATCH" }));
  }

  async deleteTask(userId: string, taskId: number): Promise<ReadTask> {
    return read(await this.request(userId, `/${taskId}`, { method: "DELETE" }));
  }

  private async request(userId: string, rest: string, call: Call = {}): Promise<Response> {
    const path = `/api/${encodeURIComponent(userId)}/tasks${rest}`;
    const token = await this.tokenOf(userId);
    let response = await this.send(path, call, token);
    if (response.status === 401) response = await this.send(path, call, await this.tokenOf(userId, token));
    if (response.ok) return response;
    const words = wordsOf(await response.json().catch(() => null)) ?? `it answered ${response.status}`;
    // The session is valid, because it gave a token. Signing in again would not help.
    const message = response.status === 401 ? `The task API does not accept your session (${words}).` : words;
    throw new ApiError(response.status, message);
  }

  /** Sends a request with the token only. The API must not receive the session's cookie. */
  private send(path: string, call: Call, token: string): Promise<Response> {
    const headers: Record<string, string> = { ...call.headers, Authorization: `Bearer ${token}` };
    if (call.body) headers["Content-Type"] = "application/json";
    return this.persist(`${this.baseUrl}${path}`, { ...call, headers, credentials: "omit" });
  }

  /** Repeats a request that got no answer, after a pause, if a repetition is safe. */
  private async persist(url: string, call: Call): Promise<Response> {
    const repeatable = !call.method || "Idempotency-Key" in (call.headers ?? {});
    for (let attempt = 1; ; attempt++) {
      const last = !repeatable || attempt === tries;
      try {
        const response = await this.fetcher(url, call);
        if (last || !unavailable.has(response.status)) return response;
      } catch (error) {
        if (last) throw new UnreachableError(error);
      }
      await new Promise((done) => setTimeout(done, 250 * 2 ** attempt));
    }
  }

  /** Returns the user's token. It fetches a new one if the current one expires soon or was rejected. */
  private async tokenOf(userId: string, refused?: string): Promise<string> {
    let held = await this.held;
    if (!held || held.token === refused || Date.now() >= held.until) {
      const fetched = this.fetchToken();
      this.held = fetched;
      fetched.catch(() => this.held === fetched && (this.held = undefined));
      held = await fetched;
    }
    return held.userId === userId ? held.token : this.over("somebody else");
  }

  private async fetchToken(): Promise<Held> {
    const asked = Date.now();
    const response = await this.persist("/token", {});
    if (response.status === 401) return this.over("signed out");
    if (!response.ok) throw new ApiError(response.status, "The server gave no token. Please try again.");
    const { token, userId, expiresIn } = await decoded<{ token: string; userId: string; expiresIn: number }>(response);
    return { token, userId, until: asked + expiresIn * 1000 };
  }

  private over(why: Over): never {
    this.held = undefined;
    this.onSessionOver(why);
    throw new SignedOutError(`The session is over: ${why}.`);
  }
}

/** Returns an idempotency key. crypto.randomUUID exists only on https and on localhost. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function read(response: Response): Promise<ReadTask> {
  return { task: await decoded(response), etag: response.headers.get("ETag") };
}

/** Parses an answer. A truncated answer, or one without JSON such as a proxy's, counts as no answer. */
async function decoded<T>(response: Response): Promise<T> {
  try {
    return await response.json();
  } catch (error) {
    throw new UnreachableError(error);
  }
}

/** Returns the message of an error: the errors of the fields, in the format of either API, or else the general one. */
function wordsOf(problem: AnyProblem | null): string | undefined {
  if (problem?.errors?.length) return problem.errors.map((e) => `${e.location.split(".").at(-1)} ${e.message}`).join("; ");
  if (Array.isArray(problem?.detail)) return problem.detail.map((e) => `${e.loc.at(-1)}: ${e.msg}`).join("; ");
  return typeof problem?.detail === "string" ? problem.detail : undefined;
}

/** An error of the task API, of a backend with FastAPI, or of a proxy. */
type AnyProblem = Pick<Problem, "errors"> & { detail?: Problem["detail"] | { loc: (string | number)[]; msg: string }[] };
