"use client";

import { useActionState } from "react";
import type { Refusal } from "@/app/actions";

type Props = {
  kind: "sign-in" | "sign-up";
  action: (refused: Refusal | null, form: FormData) => Promise<Refusal | null>;
};

/** The form for signing in and signing up. It works without JavaScript. */
export function CredentialsForm({ kind, action }: Props) {
  const [refusal, submit, pending] = useActionState(action, null);
  const isNew = kind === "sign-up";
  return (
    <form action={submit} className="stack">
      {refusal && (
        <p role="alert" className="notice">
          {refusal.message}
        </p>
      )}
      {isNew && (
        <label>
          Name
          <input name="name" autoComplete="name" required maxLength={100} defaultValue={refusal?.name} />
        </label>
      )}
      <label>
        E-mail
        <input name="email" type="email" autoComplete="username" required defaultValue={refusal?.email} />
      </label>
      <label>
        Password
        <input
          name="password"
          type="password"
          autoComplete={isNew ? "new-password" : "current-password"}
          minLength={isNew ? 8 : undefined}
          required
        />
        {isNew && <small>At least 8 characters</small>}
      </label>
      {!isNew && (
        <label className="inline">
          <input name="remember" type="checkbox" defaultChecked={refusal?.remember ?? true} /> Stay signed in
        </label>
      )}
      <button className="primary" disabled={pending}>
        {isNew ? "Sign up" : "Sign in"}
      </button>
    </form>
  );
}
