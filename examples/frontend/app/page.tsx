import { redirect } from "next/navigation";
import { signOut } from "@/app/actions";
import { SignOut } from "@/components/sign-out";
import { Tasks } from "@/components/tasks";
import { pageUser } from "@/lib/auth";
import { apiURL } from "@/lib/urls";

export default async function TasksPage() {
  const user = await pageUser();
  if (!user) redirect("/login");
  return (
    <>
      <header>
        <span className="brand">Todo</span>
        <SignOut email={user.email} action={signOut} />
      </header>
      <main>
        <h1>Your tasks</h1>
        <noscript>
          <p className="notice">You are signed in. Tasks need JavaScript.</p>
        </noscript>
        <Tasks key={user.id} userId={user.id} apiUrl={apiURL()} />
      </main>
    </>
  );
}
