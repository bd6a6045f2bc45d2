export const dynamic = "force-dynamic";

/** Answers as long as the process runs. */
export function GET() {
  return new Response("ok\n");
}
