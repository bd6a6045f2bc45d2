import { createHmac, timingSafeEqual } from "node:crypto";
import type { Keys } from "./keys.js";

/** Returns the value of a cookie `value.signature` if an earlier key signed it and the current one did not. */
export function signedEarlier(cookie: string, { current, earlier }: Keys): string | undefined {
  const dot = cookie.lastIndexOf(".");
  if (dot < 1 || cookie.length - dot - 1 !== 44) return undefined;
  const value = cookie.slice(0, dot);
  const given = Buffer.from(cookie.slice(dot + 1));
  const signs = (secret: string) => {
    const expected = Buffer.from(signature(value, secret));
    return expected.length === given.length && timingSafeEqual(expected, given);
  };
  return !signs(current) && earlier.some(signs) ? value : undefined;
}

/** Signs a cookie's value as Better Auth does. */
export function sign(value: string, secret: string): string {
  return `${value}.${signature(value, secret)}`;
}

function signature(value: string, secret: string): string {
  return createHmac("sha256", secret).update(value).digest("base64");
}
