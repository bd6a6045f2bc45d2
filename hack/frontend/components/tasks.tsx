"use client";

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ApiClient, type Page, SignedOutError, type Task } from "@/lib/api";
import { NewTask } from "./new-task";
import { TaskRow } from "./task-row";

const pageSize = 20;
const filters = { All: undefined, Open: false, Done: true };
type Filter = keyof typeof filters;

/** The user's tasks, a page at a time, and all that can be done with them. */
export function Tasks({ userId, apiUrl }: { userId: string; apiUrl: string }) {
  const api = useMemo(() => new ApiClient(apiUrl, () => window.location.assign("/login")), [apiUrl]);
  const [filter, setFilter] = useState<Filter>("All");
  const [offset, setOffset] = useState(0);
  const [page, setPage] = useState<Page>();
  const [said, say] = useState("");
  const [deleted, setDeleted] = useState<Task>();
  const asked = useRef(0);

  const load = useCallback(async () => {
    const turn = ++asked.current;
    const found = await api.getTasks(userId, { completed: filters[filter], limit: pageSize, offset });
    if (turn !== asked.current) return; // a later question was asked meanwhile
    const lastOffset = Math.max(0, Math.ceil(found.total / pageSize) - 1) * pageSize;
    if (offset > lastOffset) setOffset(lastOffset);
    setPage(found);
  }, [api, userId, filter, offset]);

  /** Does something with the API, shows what came of it, and says whether it succeeded. */
  const act = useCallback(
    async (action: () => Promise<unknown>, done = "") => {
      try {
        await action();
        await load();
        say(done);
        return true;
      } catch (error) {
        if (!(error instanceof SignedOutError)) say(messageOf(error));
        return false;
      }
    },
    [load],
  );

  useEffect(() => {
    load().catch((error) => error instanceof SignedOutError || say(messageOf(error)));
  }, [load]);

  const add = (title: string, description: string) =>
    act(() => api.createTask(userId, { title, description: description || null }), `Added “${title}”.`);

  const remove = async (task: Task) => {
    if (await act(() => api.deleteTask(userId, task.id), `Deleted “${task.title}”.`)) setDeleted(task);
  };

  const undo = async ({ title, description, completed }: Task) => {
    setDeleted(undefined);
    await act(() => api.createTask(userId, { title, description, completed }), `“${title}” is back.`);
  };

  const show = (chosen: Filter) => {
    setFilter(chosen);
    setOffset(0);
  };

  return (
    <>
      <NewTask onAdd={add} />
      <div className="bar">
        <div role="group" aria-label="Show" className="choice">
          {(Object.keys(filters) as Filter[]).map((name) => (
            <button key={name} aria-pressed={filter === name} onClick={() => show(name)}>
              {name}
            </button>
          ))}
        </div>
        <p role="status" className="said">
          {said} {deleted && said && <button onClick={() => undo(deleted)}>Undo</button>}
        </p>
      </div>
      {page?.tasks.length === 0 && <p className="empty">{filter === "All" ? "Nothing to do." : "None here."}</p>}
      <ul className="tasks" aria-busy={!page}>
        {page?.tasks.map((task) => (
          <TaskRow
            key={task.id}
            task={task}
            onRead={() => api.getTask(userId, task.id)}
            onToggle={() => act(() => api.toggleTaskCompletion(userId, task.id))}
            onSave={(change, etag) => act(() => api.updateTask(userId, task.id, change, etag), "Saved.")}
            onDelete={() => remove(task)}
            onFailure={(error) => error instanceof SignedOutError || say(messageOf(error))}
          />
        ))}
      </ul>
      {page && page.total > pageSize && (
        <nav aria-label="Pages" className="bar">
          <button disabled={offset === 0} onClick={() => setOffset(offset - pageSize)}>
            Newer
          </button>
          <span>
            {offset + 1}–{offset + page.tasks.length} of {page.total}
          </span>
          <button disabled={offset + pageSize >= page.total} onClick={() => setOffset(offset + pageSize)}>
            Older
          </button>
        </nav>
      )}
    </>
  );
}

function messageOf(error: unknown): string {
  if (typeof error === "object" && error && "status" in error && error.status === 412)
    return "This task was changed elsewhere meanwhile: open it again to see how.";
  if (error instanceof TypeError) return "The server cannot be reached. Please try again.";
  return error instanceof Error ? error.message : String(error);
}
