/** Where browsers reach this frontend. */
export const appURL = () => setting("BETTER_AUTH_URL") || "http://localhost:3000";

/** Where browsers reach the task API. */
export const apiURL = () => setting("NEXT_PUBLIC_API_URL") || appURL();

/** Where this server reaches the task API. */
export const taskApiURL = () => setting("API_URL") || "http://localhost:8000";

/** Origins besides the frontend's own from which Better Auth takes requests. */
export const trustedOrigins = () => [setting("NEXT_PUBLIC_APP_URL") ?? ""].filter((url) => url !== "");

// Read by name while the server runs, so that one image serves any installation: Next.js would put the value that it
// finds at build time in the place of process.env.NEXT_PUBLIC_….
function setting(name: string): string | undefined {
  return process.env[name];
}
