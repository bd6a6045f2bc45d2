/** Opens the database as the server starts; what fails here is tried again by the first request, and by /readyz. */
export async function register() {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { ready } = await import("./lib/auth");
  await ready().catch((error) => console.error("the database is not ready:", error.cause ?? error));
}
