import { useEffect, useRef, useState } from "react";
import type { ReadTask, Task, TaskChange } from "@/lib/api";
import { TaskEditor } from "./task-editor";

type Props = {
  task: Task;
  /** Reads the task again, with the validator for onSave. Returns nothing if that fails. */
  onRead: () => Promise<ReadTask | undefined>;
  onToggle: () => void;
  /** Saves a change and reports whether that succeeded. */
  onSave: (change: TaskChange, etag: string | null) => Promise<boolean>;
  onDelete: () => void;
};

export function TaskRow({ task, onRead, onToggle, onSave, onDelete }: Props) {
  const [editing, setEditing] = useState<ReadTask>();
  const editButton = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);

  // The focus returns to the button that opened the editor.
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
      <button ref={editButton} aria-label={`Edit “${task.title}”`} onClick={() => onRead().then(setEditing)}>
        Edit
      </button>
      <button aria-label={`Delete “${task.title}”`} onClick={onDelete}>
        Delete
      </button>
    </li>
  );
}
