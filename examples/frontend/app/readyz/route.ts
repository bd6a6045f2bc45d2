import { ready } from "@/lib/auth";

export const dynamic = "force-dynamic";

/** Answers 200 if the database is reachable and up to date, and 503 otherwise. */
export async function GET() {
  try {
    await ready();
    return new Response("ok\n");
  } catch (error) {
    console.error("not ready:", error);
    return new Response("the database cannot be reached\n", { status: 503 });
  }
}
