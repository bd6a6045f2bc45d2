import { tokenUser } from "@/lib/auth";
import { mintToken } from "@/lib/token";

/** Returns a token for the task API to a signed-in browser. It is a GET, so that proxies may repeat it while pods are replaced. */
export async function GET() {
  const user = await tokenUser();
  const headers = { "Cache-Control": "no-store" };
  if (!user) return Response.json({ detail: "not signed in" }, { status: 401, headers });
  return Response.json(await mintToken(user.id), { headers });
}
