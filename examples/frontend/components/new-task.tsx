import { type FormEvent, useEffect, useRef, useState } from "react";
import type { TaskDraft } from "@/lib/api";

type Props = {
  userId: string;
  /** Adds the task and reports whether that succeeded. */
  onAdd: (draft: TaskDraft) => Promise<boolean>;
};

/** Adds tasks. It keeps the typed text until the task is added, even if the user has to sign in again first. */
export function NewTask({ userId, onAdd }: Props) {
  const [pending, setPending] = useState(false);
  const title = useRef<HTMLInputElement>(null);
  const description = useRef<HTMLInputElement>(null);
  const kept = `new task of ${userId}`;

  useEffect(() => {
    const draft: TaskDraft | null = JSON.parse(sessionStorage.getItem(kept) ?? "null");
    if (!draft || title.current!.value) return;
    title.current!.value = draft.title;
    description.current!.value = draft.description ?? "";
  }, [kept]);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    const draft = { title: String(fields.get("title")).trim(), description: String(fields.get("description")).trim() || null };
    setPending(true);
    sessionStorage.setItem(kept, JSON.stringify(draft));
    const added = await onAdd(draft);
    setPending(false);
    if (!added) return;
    sessionStorage.removeItem(kept);
    form.reset();
    title.current?.focus();
  }

  return (
    <form onSubmit={submit} className="new">
      <input ref={title} name="title" aria-label="New task" placeholder="What is to be done?" required />
      <input ref={description} name="description" aria-label="Description" placeholder="Description, if any" />
      <button className="primary" disabled={pending}>
        Add
      </button>
    </form>
  );
}
