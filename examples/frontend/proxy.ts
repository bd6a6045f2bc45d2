import { type NextRequest, NextResponse } from "next/server";
import { apiURL, taskApiURL } from "./lib/urls";

export function proxy(request: NextRequest) {
  return request.nextUrl.pathname.startsWith("/api/") ? toTaskApi(request) : guarded(request);
}

/**
 * Forwards these paths to the task API if no Ingress does, for example behind a port-forward. It removes the cookies, so
 * that the API never receives the session.
 */
function toTaskApi(request: NextRequest) {
  const { pathname, search } = request.nextUrl;
  const headers = new Headers(request.headers);
  headers.delete("cookie");
  return NextResponse.rewrite(new URL(pathname + search, taskApiURL()), { request: { headers } });
}

/** Restricts a page to its own scripts, and to requests to this host and the task API. */
function guarded(request: NextRequest) {
  const nonce = btoa(crypto.randomUUID());
  const development = process.env.NODE_ENV === "development";
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ""}`,
    `style-src 'self'${development ? " 'unsafe-inline'" : ""}`,
    `connect-src 'self' ${new URL(apiURL()).origin}${development ? " ws:" : ""}`,
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
  const headers = new Headers(request.headers);
  headers.set("Content-Security-Policy", policy); // Next.js reads the nonce from here
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("Content-Security-Policy", policy);
  response.headers.set("Referrer-Policy", "same-origin");
  response.headers.set("X-Content-Type-Options", "nosniff");
  return response;
}

export const config = { matcher: "/((?!_next/static|icon.svg|api/auth/|healthz|readyz|token).*)" };
