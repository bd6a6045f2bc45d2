import { type ApiClient, ApiError, type Draft, type ReadTask, SignedOutError, type Task, type TaskChange, newKey } from "./api";

const pageSize = 20;
export const filters = { All: undefined, Open: false, Done: true };
export type Filter = keyof typeof filters;

/** Which tasks are looked at. */
export type View = { filter: Filter; offset: number };

/** What came of the last action, and, where it has to do with one, the deleted task that can be brought back. */
export type Said = { text: string; wrong?: boolean; deleted?: Deleted };
type Deleted = { task: Task; key: string };

/** What is to be seen. */
export type Shown = {
  view: View;
  /** The tasks that were read last, and how many come before them; none where those of the view could not be read. */
  tasks?: Task[];
  from: number;
  /** How many there are on all pages, where the API tells. */
  total?: number;
  /** Whether a page follows. */
  more: boolean;
  reading: boolean;
  /** Why the tasks could not be read; those that are shown may have changed since. */
  unread?: string;
  said?: Said;
};

/**
 * A user's tasks, a page at a time, and all that can be done with them. What an action did and whether the list could
 * be read afterwards are told apart: that a task was added stays true when the list does not come.
 */
export class TaskList {
  private state: Shown = { view: { filter: "All", offset: 0 }, from: 0, more: false, reading: true };
  private readonly listeners = new Set<() => void>();
  private readonly underWay = new Set<string>();
  /** The keys of what was sent to be added and not answered, by what it was. */
  private readonly attempts = new Map<string, string>();
  private readings = 0;

  constructor(
    private readonly api: ApiClient,
    private readonly userId: string,
  ) {}

  readonly shown = () => this.state;

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** Reads the tasks of a view, the present one unless told otherwise. Of several readings the last one counts. */
  readonly show = async (view = this.state.view): Promise<void> => {
    const reading = ++this.readings;
    const { filter, offset } = this.state.view;
    const turned = view.filter !== filter || view.offset !== offset;
    this.set({ view, reading: true });
    try {
      const query = { completed: filters[view.filter], limit: pageSize + 1, offset: view.offset }; // one more: is there a next page?
      const { tasks, total } = await this.api.getTasks(this.userId, query);
      if (reading !== this.readings) return;
      if (tasks.length === 0 && view.offset > 0) return this.show({ ...view, offset: Math.max(0, view.offset - pageSize) });
      const more = tasks.length > pageSize;
      this.set({ tasks: tasks.slice(0, pageSize), from: view.offset, total, more, reading: false, unread: undefined });
    } catch (error) {
      if (reading !== this.readings || error instanceof SignedOutError) return;
      this.set({ reading: false, unread: messageOf(error), ...(turned && { tasks: undefined }) });
    }
  };

  readonly turn = (pages: number) => this.show({ ...this.state.view, offset: Math.max(0, this.state.view.offset + pages * pageSize) });

  /** Adds a task, once, however often it is tried. */
  readonly add = async (draft: Draft): Promise<boolean> => {
    const content = JSON.stringify(draft);
    const key = this.attempts.get(content) ?? newKey();
    this.attempts.set(content, key);
    const added = await this.act(key, () => this.api.createTask(this.userId, draft, key), {
      done: { text: `Added “${draft.title}”.` },
      where: () => this.viewOf(draft),
    });
    if (added) this.attempts.delete(content);
    return added;
  };

  /** Reads a task afresh, with the validator that save takes. */
  readonly read = async ({ id }: Task): Promise<ReadTask | undefined> => {
    try {
      return await this.api.getTask(this.userId, id);
    } catch (error) {
      this.fail(error);
    }
  };

  readonly toggle = ({ id }: Task) =>
    this.act(`toggle ${id}`, async () => this.replace(id, (await this.api.toggleTaskCompletion(this.userId, id)).task));

  readonly save = ({ id }: Task, change: TaskChange, etag: string | null) =>
    this.act(`save ${id}`, async () => this.replace(id, (await this.api.updateTask(this.userId, id, change, etag)).task), {
      done: { text: "Saved." },
    });

  readonly remove = (task: Task) => {
    const deleted = { task, key: newKey() };
    return this.act(
      `remove ${task.id}`,
      async () => {
        await this.api.deleteTask(this.userId, task.id);
        this.replace(task.id);
      },
      { done: { text: `Deleted “${task.title}”.`, deleted } },
    );
  };

  readonly undo = (deleted: Deleted) => {
    const { title, description, completed } = deleted.task;
    const draft = { title, description, completed };
    return this.act(deleted.key, () => this.api.createTask(this.userId, draft, deleted.key), {
      done: { text: `“${title}” is back.` },
      deleted, // it can be tried again
      where: () => this.viewOf(draft),
    });
  };

  /** Does something once at a time, says what came of it, has the list read again, and returns whether it succeeded. */
  private async act(what: string, action: () => Promise<unknown>, { done, deleted, where }: Then = {}): Promise<boolean> {
    if (this.underWay.has(what)) return false;
    this.underWay.add(what);
    try {
      await action();
    } catch (error) {
      this.fail(error, deleted);
      return false;
    } finally {
      this.underWay.delete(what);
    }
    this.set({ said: done });
    void this.show(where?.());
    return true;
  }

  private fail(error: unknown, deleted?: Deleted) {
    if (!(error instanceof SignedOutError)) this.set({ said: { text: messageOf(error), wrong: true, deleted } });
  }

  /** Where a task that was just added is to be seen: on the first page, of all tasks if the filter leaves it out. */
  private viewOf({ completed = false }: Draft): View {
    const { filter } = this.state.view;
    return { filter: filters[filter] === !completed ? "All" : filter, offset: 0 };
  }

  /** Shows what became of a task before the list has been read again. */
  private replace(id: number, after?: Task) {
    this.set({ tasks: this.state.tasks?.flatMap((task) => (task.id !== id ? task : (after ?? []))) });
  }

  private set(change: Partial<Shown>) {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

/** What follows an action: what is said of it, what is left to be undone if it fails, and what is looked at then. */
type Then = { done?: Said; deleted?: Deleted; where?: () => View };

function messageOf(error: unknown): string {
  if (error instanceof ApiError && error.status === 412)
    return "This task was changed elsewhere meanwhile: open it again to see how.";
  return error instanceof Error ? error.message : String(error);
}
