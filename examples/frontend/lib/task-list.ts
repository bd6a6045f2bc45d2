import { type ApiClient, ApiError, type ReadTask, SignedOutError, type Task, type TaskChange, type TaskDraft, newKey } from "./api";

const pageSize = 20;
export const filters = { All: undefined, Open: false, Done: true };
export type Filter = keyof typeof filters;

/** The filter and the page that are shown. */
export type View = { filter: Filter; offset: number };

/** The result of the last action, with the deleted task if the action can be undone. */
export type Said = { text: string; wrong?: boolean; deleted?: Deleted };
type Deleted = { task: Task; key: string };

/** The state that the page shows. */
export type Shown = {
  view: View;
  /** The tasks that were read last, and their offset. It is undefined if the tasks of the view could not be read. */
  tasks?: Task[];
  from: number;
  /** The number of tasks on all pages, if the API returns it. */
  total?: number;
  /** Reports whether there is a next page. */
  more: boolean;
  reading: boolean;
  /** Why the tasks could not be read. The tasks that are shown may be outdated. */
  unread?: string;
  said?: Said;
};

/**
 * A user's tasks, one page at a time, with the actions on them. The result of an action and the result of reading the list
 * afterwards are separate: if a task was added, it stays added even if the list then cannot be read.
 */
export class TaskList {
  private state: Shown = { view: { filter: "All", offset: 0 }, from: 0, more: false, reading: true };
  private readonly listeners = new Set<() => void>();
  private readonly underWay = new Set<string>();
  /** The idempotency keys of additions without an answer, by their content. */
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

  /** Reads the tasks of a view, by default the current one. If several reads overlap, the last one counts. */
  readonly show = async (view = this.state.view): Promise<void> => {
    const reading = ++this.readings;
    const { filter, offset } = this.state.view;
    const turned = view.filter !== filter || view.offset !== offset;
    this.set({ view, reading: true });
    try {
      const query = { completed: filters[view.filter], limit: pageSize + 1, offset: view.offset }; // one more shows whether there is a next page
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

  /** Adds a task. Repeated attempts add it only once. */
  readonly add = async (draft: TaskDraft): Promise<boolean> => {
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

  /** Reads a task again, with the validator for save. */
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
      deleted, // so that undo can be tried again if it fails
      where: () => this.viewOf(draft),
    });
  };

  /** Runs an action, one at a time. It shows the result, reads the list again, and reports whether the action succeeded. */
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

  /** Returns a view that shows a new task: the first page, without the filter if the filter hides the task. */
  private viewOf({ completed = false }: TaskDraft): View {
    const { filter } = this.state.view;
    return { filter: filters[filter] === !completed ? "All" : filter, offset: 0 };
  }

  /** Updates a task in the list before the list is read again. */
  private replace(id: number, after?: Task) {
    this.set({ tasks: this.state.tasks?.flatMap((task) => (task.id !== id ? task : (after ?? []))) });
  }

  private set(change: Partial<Shown>) {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

/** The effects of an action: its message, the task to undo it with, and the view to show next. */
type Then = { done?: Said; deleted?: Deleted; where?: () => View };

function messageOf(error: unknown): string {
  if (error instanceof ApiError && error.status === 412)
    return "This task was changed elsewhere meanwhile: open it again to see how.";
  return error instanceof Error ? error.message : String(error);
}
