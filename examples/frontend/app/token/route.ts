import { currentUser } from "@/lib/auth";
import { mintToken } from "@/lib/token";

/** Gives a signed-in browser a token for the task API. A GET, so that proxies may repeat it while pods are replaced. */
export async function GET() {
  const user = await currentUser(true);
  const headers = { "Cache-Control": "no-store" };
  if (!user) return Response.json({ detail: "not signed in" }, { status: 401, headers });
  return Response.json(await mintToken(user.id), { headers });
}
