import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { ReadTask, Task, TaskChange } from "@/lib/api";

type Props = {
  task: Task;
  /** Reads the task afresh, with the validator that onSave then takes. */
  onRead: () => Promise<ReadTask>;
  onToggle: () => void;
  /** Saves a change and says whether that succeeded. */
  onSave: (change: TaskChange, etag: string | null) => Promise<boolean>;
  onDelete: () => void;
  onFailure: (error: unknown) => void;
};

export function TaskRow({ task, onRead, onToggle, onSave, onDelete, onFailure }: Props) {
  const [editing, setEditing] = useState<ReadTask>();
  const editButton = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);

  // The keyboard goes on where it left off.
  useEffect(() => {
    if (wasEditing.current && !editing) editButton.current?.focus();
    wasEditing.current = editing !== undefined;
  }, [editing]);

  if (editing) {
    return (
      <li>
        <TaskEditor
          task={editing.task}
          onSave={async (change) => (await onSave(change, editing.etag)) && setEditing(undefined)}
          onCancel={() => setEditing(undefined)}
        />
      </li>
    );
  }
  return (
    <li className={task.completed ? "done" : undefined}>
      <label>
        <input type="checkbox" checked={task.completed} onChange={onToggle} />
        <span>
          <span className="title">{task.title}</span>
          {task.description && <span className="description">{task.description}</span>}
        </span>
      </label>
      <button ref={editButton} aria-label={`Edit “${task.title}”`} onClick={() => onRead().then(setEditing, onFailure)}>
        Edit
      </button>
      <button aria-label={`Delete “${task.title}”`} onClick={onDelete}>
        Delete
      </button>
    </li>
  );
}

type EditorProps = { task: Task; onSave: (change: TaskChange) => void; onCancel: () => void };

function TaskEditor({ task, onSave, onCancel }: EditorProps) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const description = String(fields.get("description")).trim();
    onSave({ title: String(fields.get("title")).trim(), description: description || null });
  }

  const cancelOnEscape = (event: KeyboardEvent) => event.key === "Escape" && onCancel();

  return (
    <form onSubmit={submit} onKeyDown={cancelOnEscape} className="stack">
      <input name="title" aria-label="Title" defaultValue={task.title} required maxLength={200} autoFocus />
      <textarea
        name="description"
        aria-label="Description"
        placeholder="Description, if any"
        defaultValue={task.description ?? ""}
        maxLength={2000}
        rows={3}
      />
      <div className="bar">
        <button className="primary">Save</button>
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
