import type { Shown } from "@/lib/task-list";

/** Shows buttons for the pages if there are several. Some APIs do not return the total number of tasks. */
export function Pager({ shown, onTurn }: { shown: Shown; onTurn: (pages: number) => void }) {
  const { tasks, from, total, more } = shown;
  if (!tasks || (from === 0 && !more)) return null;
  return (
    <nav aria-label="Pages" className="bar">
      <button disabled={from === 0} onClick={() => onTurn(-1)}>
        Newer
      </button>
      <span>
        {from + 1}–{from + tasks.length}
        {total !== undefined && ` of ${total}`}
      </span>
      <button disabled={!more} onClick={() => onTurn(1)}>
        Older
      </button>
    </nav>
  );
}
