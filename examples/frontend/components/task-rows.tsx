import { type RefObject, useEffect, useRef } from "react";
import type { Shown, TaskList } from "@/lib/task-list";
import { TaskRow } from "./task-row";

type Props = { ref: RefObject<HTMLUListElement | null>; list: TaskList; shown: Shown };

export function TaskRows({ ref, list, shown }: Props) {
  const { view, tasks, reading } = shown;
  const acted = useRef<number>(undefined);

  // If the changed row disappears, because it was deleted or filtered out, the focus moves to the next row.
  useEffect(() => {
    if (acted.current === undefined) return;
    if (document.activeElement === document.body) {
      const rows = ref.current?.children;
      const next = rows?.[Math.min(acted.current, rows.length - 1)];
      (next?.querySelector("input") ?? ref.current)?.focus();
      acted.current = undefined;
    }
    if (!reading) acted.current = undefined;
  }, [ref, tasks, reading]);

  return (
    <>
      {tasks?.length === 0 && <p className="empty">{view.filter === "All" ? "Nothing to do." : "None here."}</p>}
      <ul ref={ref} role="list" aria-label="Tasks" className="tasks" tabIndex={-1} aria-busy={reading}>
        {tasks?.map((task, index) => (
          <TaskRow
            key={task.id}
            task={task}
            onRead={() => list.read(task)}
            onToggle={() => {
              acted.current = index;
              void list.toggle(task);
            }}
            onSave={(change, etag) => list.save(task, change, etag)}
            onDelete={() => {
              acted.current = index;
              void list.remove(task);
            }}
          />
        ))}
      </ul>
    </>
  );
}
