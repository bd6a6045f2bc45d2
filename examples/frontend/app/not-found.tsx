import type { Metadata } from "next";
import Link from "next/link";
import { connection } from "next/server";

export const metadata: Metadata = { title: "Not found" };

/** Made anew for each request: a page from the build would have no nonce, and the browser would not run it. */
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
