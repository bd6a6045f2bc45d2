import type { Metadata } from "next";
import Link from "next/link";
import { redirect } from "next/navigation";
import { signUp } from "@/app/actions";
import { CredentialsForm } from "@/components/credentials-form";
import { pageUser } from "@/lib/auth";

export const metadata: Metadata = { title: "Sign up" };

export default async function SignUpPage() {
  if (await pageUser()) redirect("/");
  return (
    <main className="narrow">
      <h1>Sign up</h1>
      <CredentialsForm kind="sign-up" action={signUp} />
      <p>
        Have an account? <Link href="/login">Sign in</Link>
      </p>
    </main>
  );
}
