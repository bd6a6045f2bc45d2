import type { Metadata } from "next";
import Link from "next/link";
import { redirect } from "next/navigation";
import { signIn } from "@/app/actions";
import { CredentialsForm } from "@/components/credentials-form";
import { pageUser } from "@/lib/auth";

export const metadata: Metadata = { title: "Sign in" };

type Props = { searchParams: Promise<{ over?: string }> };

/**
 * Shows the sign-in form. If the task page sent the user here because the session has ended, it shows the form even if the
 * cached session still looks valid. Otherwise the two pages would redirect to each other for ever.
 */
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
