import type { Metadata } from "next";
import Link from "next/link";
import { connection } from "next/server";

export const metadata: Metadata = { title: "Not found" };

/** Renders for each request: a page from the build would have no nonce, so the browser would not run its scripts. */
export default async function NotFound() {
  await connection();
  return (
    <main className="narrow">
      <h1>There is nothing here</h1>
      <p>
        <Link href="/">To your tasks</Link>
      </p>
    </main>
  );
}
