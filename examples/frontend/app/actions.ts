"use server";

import { parseSetCookieHeader, toCookieOptions } from "better-auth/cookies";
import { cookies, headers } from "next/headers";
import { redirect } from "next/navigation";
import { auth } from "@/lib/auth";
import { ipHeaders } from "@/lib/client-address";
import { appURL } from "@/lib/urls";

/** The answer to a rejected form: the reason, and the fields to fill in again, without the password. */
export type Refusal = { message: string; name?: string; email?: string; remember?: boolean };

export async function signIn(_: Refusal | null, form: FormData): Promise<Refusal | null> {
  const [email, password] = fields(form, "email", "password");
  const remember = form.has("remember");
  const refused = await call("/sign-in/email", { email, password, rememberMe: remember });
  if (refused) return { message: refused, email, remember };
  redirect("/");
}

export async function signUp(_: Refusal | null, form: FormData): Promise<Refusal | null> {
  const [name, email, password] = fields(form, "name", "email", "password");
  const refused = await call("/sign-up/email", { name, email, password });
  if (refused) return { message: refused, name, email };
  redirect("/");
}

export async function signOut(): Promise<Refusal | null> {
  const refused = await call("/sign-out", {});
  if (refused) return { message: refused };
  redirect("/login");
}

const asTheBrowser = ["cookie", "origin", "referer", "user-agent", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"];

const fields = (form: FormData, ...names: string[]) => names.map((name) => String(form.get(name) ?? ""));

/**
 * Sends a request to Better Auth with the browser's headers, so that its rate limit and its checks of the origin apply to
 * forms too, and sets the cookies of the answer. Returns the reason if the request was rejected.
 */
async function call(path: string, body: object): Promise<string | undefined> {
  const sent = new Headers({ "Content-Type": "application/json" });
  const received = await headers();
  for (const name of [...asTheBrowser, ...ipHeaders()]) {
    const value = received.get(name);
    if (value) sent.set(name, value);
  }
  const request = new Request(`${appURL()}/api/auth${path}`, {
    method: "POST",
    headers: sent,
    body: JSON.stringify(body),
  });
  const response = await (await auth()).handler(request);
  if (response.status === 429) return "Too many attempts. Please wait a moment and try again.";
  if (!response.ok) return (await response.json().catch(() => null))?.message ?? "That did not work. Please try again.";
  const jar = await cookies();
  for (const header of response.headers.getSetCookie()) {
    for (const [name, cookie] of parseSetCookieHeader(header)) jar.set(name, cookie.value, toCookieOptions(cookie));
  }
}
