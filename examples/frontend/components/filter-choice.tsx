import { type Filter, filters } from "@/lib/task-list";

export function FilterChoice({ chosen, onChoose }: { chosen: Filter; onChoose: (filter: Filter) => void }) {
  return (
    <div role="group" aria-label="Show" className="choice">
      {(Object.keys(filters) as Filter[]).map((name) => (
        <button key={name} aria-pressed={name === chosen} onClick={() => onChoose(name)}>
          {name}
        </button>
      ))}
    </div>
  );
}
