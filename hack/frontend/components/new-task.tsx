import { type FormEvent, useRef, useState } from "react";

type Props = {
  /** Adds the task and says whether that succeeded. */
  onAdd: (title: string, description: string) => Promise<boolean>;
};

export function NewTask({ onAdd }: Props) {
  const [pending, setPending] = useState(false);
  const title = useRef<HTMLInputElement>(null);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    setPending(true);
    const added = await onAdd(String(fields.get("title")).trim(), String(fields.get("description")).trim());
    setPending(false);
    if (!added) return; // what was typed stays
    form.reset();
    title.current?.focus();
  }

  return (
    <form onSubmit={submit} className="new">
      <input ref={title} name="title" aria-label="New task" placeholder="What is to be done?" required maxLength={200} />
      <input name="description" aria-label="Description" placeholder="Description, if any" maxLength={2000} />
      <button className="primary" disabled={pending}>
        Add
      </button>
    </form>
  );
}
