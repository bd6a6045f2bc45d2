import type { Metadata } from "next";
import Link from "next/link";
import { redirect } from "next/navigation";
import { signIn } from "@/app/actions";
import { CredentialsForm } from "@/components/credentials-form";
import { pageUser } from "@/lib/auth";

export const metadata: Metadata = { title: "Sign in" };

type Props = { searchParams: Promise<{ over?: string }> };

/** The form, even to who still seems to be signed in when the task page found the session to be over: no circles. */
export default async function LoginPage({ searchParams }: Props) {
  const over = (await searchParams).over !== undefined;
  if (!over && (await pageUser())) redirect("/");
  return (
    <main className="narrow">
      <h1>Sign in</h1>
      {over && <p className="hint">Your session is over. Please sign in again.</p>}
      <CredentialsForm kind="sign-in" action={signIn} />
      <p>
        No account yet? <Link href="/sign-up">Sign up</Link>
      </p>
    </main>
  );
}
