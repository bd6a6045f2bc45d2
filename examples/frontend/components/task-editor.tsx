import type { FormEvent, KeyboardEvent } from "react";
import type { Task, TaskChange } from "@/lib/api";

type Props = { task: Task; onSave: (change: TaskChange) => void; onCancel: () => void };

/** Edits a task. It sets no maxLength, which counts characters differently and cuts pasted text; the API checks lengths. */
export function TaskEditor({ task, onSave, onCancel }: Props) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const description = String(fields.get("description")).trim();
    onSave({ title: String(fields.get("title")).trim(), description: description || null });
  }

  const cancelOnEscape = (event: KeyboardEvent) => event.key === "Escape" && onCancel();

  return (
    <form onSubmit={submit} onKeyDown={cancelOnEscape} className="stack">
      <input name="title" aria-label="Title" defaultValue={task.title} required autoFocus />
      <textarea
        name="description"
        aria-label="Description"
        placeholder="Description, if any"
        defaultValue={task.description ?? ""}
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
