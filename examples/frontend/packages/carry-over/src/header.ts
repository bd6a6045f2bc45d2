/** Parses a Cookie header as Better Auth does: the first cookie of a name counts, and values are URL-decoded if they can be. */
export function parse(header: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, equals).trim();
    if (equals < 1 || cookies.has(name)) continue;
    const value = pair.slice(equals + 1).trim().replace(/^"(.*)"$/, "$1");
    cookies.set(name, decode(value));
  }
  return cookies;
}

/**
 * Writes a Cookie header with each name once. Better Auth reads cookies with two parsers that disagree on repeated names;
 * a header written here means the same to both.
 */
export function serialize(cookies: Map<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("; ");
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
