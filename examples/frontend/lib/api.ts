export type Task = {
  id: number;
  user_id: string;
  title: string;
  description: string | null;
  completed: boolean;
  created_at: string;
  updated_at: string;
};

export type TaskChange = Partial<Pick<Task, "title" | "description" | "completed">>;

export type Draft = TaskChange & { title: string };

/** A task as it was read, and the validator that says whether it is still so. */
export type ReadTask = { task: Task; etag: string | null };

/** Tasks, and how many there are on all pages, where the API tells. */
export type Page = { tasks: Task[]; total?: number };

export type PageQuery = { completed?: boolean; limit?: number; offset?: number };

/** A refusal of the task API, in its own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** No answer came. What was asked for may have happened or not. */
export class UnreachableError extends Error {
  constructor(cause: unknown) {
    super("The server cannot be reached. Please try again.", { cause });
  }
}

/** The user's session is over: there is no token to be had, or one of somebody else who has signed in meanwhile. */
export class SignedOutError extends Error {}

export type Over = "signed out" | "somebody else";

type Call = Omit<RequestInit, "headers"> & { headers?: Record<string, string> };

type Held = { token: string; userId: string; until: number };

const unavailable = new Set([502, 503, 504]);
const tries = 4;

/**
 * Calls the task API with a token of the signed-in user, which it fetches from the frontend's server, keeps, and
 * renews before it expires, or once more when the API takes it no longer.
 */
export class ApiClient {
  private held?: Promise<Held>;

  /** onSessionOver is called when the session is not, or no longer, the one of the user that is asked for. */
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

  /** Adds a task. Of all that arrive with one key the API makes one task: who tries again, gives the same key. */
  async createTask(userId: string, task: Draft, key = newKey()): Promise<ReadTask> {
    const headers = { "Idempotency-Key": key };
    return read(await this.request(userId, "", { method: "POST", headers, body: JSON.stringify(task) }));
  }

  /** Changes a task; with an etag only if the task is still as it was read, else the ApiError has status 412. */
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
    // The session is good, since it gave the token: to sign in again would lead here again.
    const message = response.status === 401 ? `The task API does not accept your session (${words}).` : words;
    throw new ApiError(response.status, message);
  }

  /** The token is all that the API needs: the session's cookie is no business of its. */
  private send(path: string, call: Call, token: string): Promise<Response> {
    const headers: Record<string, string> = { ...call.headers, Authorization: `Bearer ${token}` };
    if (call.body) headers["Content-Type"] = "application/json";
    return this.persist(`${this.baseUrl}${path}`, { ...call, headers, credentials: "omit" });
  }

  /** Sends again, after a while, what did not get through, if it does no harm to do so. */
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

  /** The user's token: the one that is held, unless it expires or has been refused. */
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

/** A key for one attempt to add a task. crypto.randomUUID would be there on https and on localhost alone. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function read(response: Response): Promise<ReadTask> {
  return { task: await decoded(response), etag: response.headers.get("ETag") };
}

/** An answer that breaks off, or is a proxy's and no JSON at all, is none. */
async function decoded<T>(response: Response): Promise<T> {
  try {
    return await response.json();
  } catch (error) {
    throw new UnreachableError(error);
  }
}

/** Why something was refused: what is wrong with each field, as the embedded API and as FastAPI says it, or else all in all. */
function wordsOf(problem: Problem | null): string | undefined {
  if (problem?.errors?.length) return problem.errors.map((e) => `${e.location.split(".").at(-1)} ${e.message}`).join("; ");
  if (Array.isArray(problem?.detail)) return problem.detail.map((e) => `${e.loc.at(-1)}: ${e.msg}`).join("; ");
  return typeof problem?.detail === "string" ? problem.detail : undefined;
}

type Problem = {
  detail?: string | { loc: (string | number)[]; msg: string }[];
  errors?: { location: string; message: string }[];
};
