import { type NextRequest, NextResponse } from "next/server";
import { apiURL, taskApiURL } from "./lib/urls";

export function proxy(request: NextRequest) {
  return request.nextUrl.pathname.startsWith("/api/") ? toTaskApi(request) : guarded(request);
}

/**
 * Where no Ingress sends these paths to the task API, as behind a mere port-forward, the frontend passes them on; the
 * session stays here, whoever runs the API.
 */
function toTaskApi(request: NextRequest) {
  const { pathname, search } = request.nextUrl;
  const headers = new Headers(request.headers);
  headers.delete("cookie");
  return NextResponse.rewrite(new URL(pathname + search, taskApiURL()), { request: { headers } });
}

/** Lets a page run the scripts that came with it and talk to this host and the task API, and nothing else. */
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
