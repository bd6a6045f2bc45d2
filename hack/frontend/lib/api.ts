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

/** A task as it was read, and the validator that says whether it is still so. */
export type ReadTask = { task: Task; etag: string | null };

export type Page = { tasks: Task[]; total: number };

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

/** The session is over: there is no token to be had. */
export class SignedOutError extends Error {}

type Call = Omit<RequestInit, "headers"> & { headers?: Record<string, string> };

const unavailable = new Set([502, 503, 504]);
const tries = 4;

/**
 * Calls the task API with a token of the signed-in user, which it fetches from the frontend's server, keeps, and
 * renews before it expires, or once more when the API takes it no longer.
 */
export class ApiClient {
  private token?: Promise<{ token: string; until: number }>;

  /** onSignedOut is called when there is no session any more. */
  constructor(
    private readonly baseUrl: string,
    private readonly onSignedOut: () => void,
    private readonly fetcher: typeof fetch = (...call) => fetch(...call),
  ) {}

  async getTasks(userId: string, query: PageQuery = {}): Promise<Page> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
    const response = await this.request(`${tasksOf(userId)}?${search}`);
    return { tasks: await response.json(), total: Number(response.headers.get("X-Total-Count")) };
  }

  async getTask(userId: string, taskId: number): Promise<ReadTask> {
    return read(await this.request(`${tasksOf(userId)}/${taskId}`));
  }

  async createTask(userId: string, task: TaskChange & { title: string }): Promise<ReadTask> {
    // With the key the API makes one task of it, however often the request arrives.
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    return read(await this.request(tasksOf(userId), { method: "POST", headers, body: JSON.stringify(task) }));
  }

  /** Changes a task; with an etag only if the task is still as it was read, else the ApiError has status 412. */
  async updateTask(userId: string, taskId: number, change: TaskChange, etag?: string | null): Promise<ReadTask> {
    const headers: Record<string, string> = etag ? { "If-Match": etag } : {};
    const body = JSON.stringify(change);
    return read(await this.request(`${tasksOf(userId)}/${taskId}`, { method: "PUT", headers, body }));
  }

  async toggleTaskCompletion(userId: string, taskId: number): Promise<ReadTask> {
    return read(await this.request(`${tasksOf(userId)}/${taskId}/complete`, { method: "PATCH" }));
  }

  async deleteTask(userId: string, taskId: number): Promise<ReadTask> {
    return read(await this.request(`${tasksOf(userId)}/${taskId}`, { method: "DELETE" }));
  }

  private async request(path: string, call: Call = {}): Promise<Response> {
    let response = await this.send(path, call, await this.currentToken());
    if (response.status === 401) {
      this.token = undefined;
      response = await this.send(path, call, await this.currentToken());
    }
    if (response.status === 401) return this.signedOut();
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    throw new ApiError(response.status, problem.detail ?? `The task API answered ${response.status}.`);
  }

  private send(path: string, call: Call, token: string): Promise<Response> {
    const headers: Record<string, string> = { ...call.headers, Authorization: `Bearer ${token}` };
    if (call.body) headers["Content-Type"] = "application/json";
    return this.persist(`${this.baseUrl}${path}`, { ...call, headers });
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
        if (last) throw error;
      }
      await new Promise((done) => setTimeout(done, 250 * 2 ** attempt));
    }
  }

  private async currentToken(): Promise<string> {
    const held = await this.token;
    if (held && Date.now() < held.until) return held.token;
    const fetched = this.fetchToken();
    this.token = fetched;
    fetched.catch(() => (this.token = undefined));
    return (await fetched).token;
  }

  private async fetchToken() {
    const asked = Date.now();
    const response = await this.persist("/token", {});
    if (response.status === 401) return this.signedOut();
    if (!response.ok) throw new ApiError(response.status, "The server gave no token. Please try again.");
    const { token, expiresIn } = await response.json();
    return { token: token as string, until: asked + expiresIn * 1000 };
  }

  private signedOut(): never {
    this.token = undefined;
    this.onSignedOut();
    throw new SignedOutError("You are signed out.");
  }
}

const tasksOf = (userId: string) => `/api/${encodeURIComponent(userId)}/tasks`;

async function read(response: Response): Promise<ReadTask> {
  return { task: await response.json(), etag: response.headers.get("ETag") };
}
