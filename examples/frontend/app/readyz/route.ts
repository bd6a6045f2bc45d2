import { ready } from "@/lib/auth";

export const dynamic = "force-dynamic";

/** The database can be reached and is up to date. */
export async function GET() {
  try {
    await ready();
    return new Response("ok\n");
  } catch (error) {
    console.error("not ready:", error);
    return new Response("the database cannot be reached\n", { status: 503 });
  }
}
