"use client";

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { ApiClient, type Over } from "@/lib/api";
import { TaskList } from "@/lib/task-list";
import { FilterChoice } from "./filter-choice";
import { NewTask } from "./new-task";
import { Outcome, Unread } from "./outcome";
import { Pager } from "./pager";
import { TaskRows } from "./task-rows";

/** Shows the state of lib/task-list.ts, with controls for its actions. */
export function Tasks({ userId, apiUrl }: { userId: string; apiUrl: string }) {
  const [list] = useState(() => new TaskList(new ApiClient(apiUrl, leave), userId));
  const shown = useSyncExternalStore(list.subscribe, list.shown, list.shown);
  const rows = useRef<HTMLUListElement>(null);
  useEffect(() => void list.show(), [list]);

  const turn = async (pages: number) => {
    await list.turn(pages);
    rows.current?.focus();
    rows.current?.scrollIntoView();
  };

  return (
    <>
      <NewTask userId={userId} onAdd={list.add} />
      <div className="bar">
        <FilterChoice chosen={shown.view.filter} onChoose={(filter) => list.show({ filter, offset: 0 })} />
        <Outcome said={shown.said} onUndo={list.undo} />
      </div>
      {shown.unread && <Unread why={shown.unread} onRetry={() => list.show()} />}
      <TaskRows ref={rows} list={list} shown={shown} />
      <Pager shown={shown} onTurn={turn} />
    </>
  );
}

/**
 * Opens the sign-in page with a mark that keeps it from redirecting back here. If another user has signed in meanwhile, it
 * reloads the page for that user.
 */
function leave(why: Over) {
  if (why === "signed out") window.location.assign("/login?over");
  else window.location.reload();
}
