import { redirect } from "next/navigation";
import { signOut } from "@/app/actions";
import { Tasks } from "@/components/tasks";
import { currentUser } from "@/lib/auth";
import { apiURL } from "@/lib/urls";

export default async function TasksPage() {
  const user = await currentUser(false);
  if (!user) redirect("/login");
  return (
    <>
      <header>
        <span className="brand">Todo</span>
        <form action={signOut}>
          <span className="who">{user.email}</span>
          <button className="quiet">Sign out</button>
        </form>
      </header>
      <main>
        <h1>Your tasks</h1>
        <noscript>
          <p className="notice">You are signed in. Tasks need JavaScript.</p>
        </noscript>
        <Tasks userId={user.id} apiUrl={apiURL()} />
      </main>
    </>
  );
}
