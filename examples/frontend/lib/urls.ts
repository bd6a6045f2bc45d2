/** Returns the URL of this frontend for browsers. */
export const appURL = () => setting("BETTER_AUTH_URL") || "http://localhost:3000";

/** Returns the URL of the task API for browsers. */
export const apiURL = () => setting("NEXT_PUBLIC_API_URL") || appURL();

/** Returns the URL of the task API for this server. */
export const taskApiURL = () => setting("API_URL") || "http://localhost:8000";

/** Returns the origins, besides the frontend's own, from which Better Auth accepts requests. */
export const trustedOrigins = () => [setting("NEXT_PUBLIC_APP_URL") ?? ""].filter((url) => url !== "");

// Reads the variable by name while the server runs, so that one image serves any installation. Next.js would replace
// process.env.NEXT_PUBLIC_… with the value at build time.
function setting(name: string): string | undefined {
  return process.env[name];
}
