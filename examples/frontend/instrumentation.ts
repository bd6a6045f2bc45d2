/** Opens the database when the server starts. If that fails, the first request and /readyz try again. */
export async function register() {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { ready } = await import("./lib/auth");
  await ready().catch((error) => console.error("the database is not ready:", error.cause ?? error));
}
