import type { Said } from "@/lib/task-list";

type Props = { said?: Said; onUndo: (deleted: NonNullable<Said["deleted"]>) => void };

/** Shows the result of the last action. Screen readers announce an alert at once, and a status at the next pause. */
export function Outcome({ said, onUndo }: Props) {
  const deleted = said?.deleted;
  const undo = deleted && <button onClick={() => onUndo(deleted)}>Undo</button>;
  return (
    <>
      <p role="status" className="said">
        {!said?.wrong && said?.text} {!said?.wrong && undo}
      </p>
      {said?.wrong && (
        <p role="alert" className="notice">
          {said.text} {undo}
        </p>
      )}
    </>
  );
}

/** Shows why the list could not be read. */
export function Unread({ why, onRetry }: { why: string; onRetry: () => void }) {
  return (
    <p role="alert" className="notice">
      Your tasks could not be read. {why} <button onClick={onRetry}>Read again</button>
    </p>
  );
}
