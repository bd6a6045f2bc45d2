import { readFileSync, readdirSync } from "node:fs";
import { posix } from "node:path";

/** Fails if a link of the built site leads to an anchor that its page lacks. VitePress checks pages, but not anchors. */
export function checkAnchors(folder: string) {
  const base = process.env.BASE ?? "/";
  const pages = new Map<string, string>();
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }))
    if (name.endsWith(".html")) pages.set(name, readFileSync(posix.join(folder, name), "utf8"));
  const dead: string[] = [];
  let checked = 0;
  for (const [name, html] of pages)
    for (const [, path, anchor] of html.matchAll(/ href="([^":#]*)#([^"]+)"/g)) {
      const target = path === "" ? name : path.startsWith(base) ? path.slice(base.length) : posix.join(posix.dirname(name), path);
      const page = pages.get(target === "" || target.endsWith("/") ? `${target}index.html` : target);
      if (!page?.includes(` id="${decodeURIComponent(anchor)}"`)) dead.push(`${name}: ${path}#${anchor}`);
      checked++;
    }
  if (dead.length > 0) throw new Error(`links lead to no heading:\n${[...new Set(dead)].join("\n")}`);
  if (checked < 300) throw new Error(`${checked} links to headings were checked, expected 300 or more`);
}
