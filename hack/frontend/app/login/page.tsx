import type { Metadata } from "next";
import Link from "next/link";
import { redirect } from "next/navigation";
import { signIn } from "@/app/actions";
import { CredentialsForm } from "@/components/credentials-form";
import { currentUser } from "@/lib/auth";

export const metadata: Metadata = { title: "Sign in" };

export default async function LoginPage() {
  if (await currentUser(false)) redirect("/");
  return (
    <main className="narrow">
      <h1>Sign in</h1>
      <CredentialsForm kind="sign-in" action={signIn} />
      <p>
        No account yet? <Link href="/sign-up">Sign up</Link>
      </p>
    </main>
  );
}
