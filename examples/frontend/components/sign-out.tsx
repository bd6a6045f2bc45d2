"use client";

import { useActionState } from "react";
import type { Refusal } from "@/app/actions";

type Props = { email: string; action: (refused: Refusal | null) => Promise<Refusal | null> };

/** Signs the user out, or shows why that failed. */
export function SignOut({ email, action }: Props) {
  const [refusal, submit] = useActionState(action, null);
  return (
    <form action={submit}>
      {refusal ? (
        <span role="alert" className="notice">
          {refusal.message}
        </span>
      ) : (
        <span className="who">{email}</span>
      )}
      <button>Sign out</button>
    </form>
  );
}
