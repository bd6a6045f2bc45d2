import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { type DefaultTheme, defineConfig } from "vitepress";
import { checkAnchors } from "./anchors";

const repository = "https://github.com/todoapp-operator/todoapp-operator";
const docs = new URL("../../../docs/", import.meta.url);

/** Returns the sidebar: docs/README.md has a heading for each group and a list item for each page. */
function sidebar(): DefaultTheme.SidebarItem[] {
  const groups: DefaultTheme.SidebarItem[] = [];
  for (const line of readFileSync(new URL("README.md", docs), "utf8").split("\n")) {
    const [, group] = line.match(/^## (.+)$/) ?? [];
    if (group) groups.push({ text: group, collapsed: false, items: [] });
    const [, text, page] = line.match(/^- \[([^\]]+)\]\(([^)]+)\.md\)/) ?? [];
    if (page) groups.at(-1)!.items!.push({ text, link: `/${page.replace(/README$/, "")}` });
  }
  return groups;
}

/** Returns the anchor that GitHub gives a heading, so that links work on both. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

/** Returns the address of a link. A link to a file outside docs/ leads to the repository. */
function addressOf(page: string, href: string): string {
  const target = posix.join("docs", posix.dirname(page), href);
  if (/^([a-z]+:|#|\/)/.test(href) || target.startsWith("docs/")) return href;
  return `${repository}/blob/main/${target}`;
}

export default defineConfig({
  title: "TodoApp operator",
  description: "Runs Todo apps on Kubernetes and replaces their signing keys without signing anyone out",
  base: process.env.BASE ?? "/",
  srcDir: "pages",
  outDir: "../../bin/docs",
  rewrites: { "README.md": "index.md", "decisions/README.md": "decisions/index.md" },
  head: [["link", { rel: "icon", href: "data:," }]],
  buildEnd: ({ outDir }) => checkAnchors(outDir),
  markdown: {
    anchor: { slugify: anchorOf },
    config: (md) => {
      md.core.ruler.push("repository", ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? []))
          if (token.type === "link_open") token.attrSet("href", addressOf(env.relativePath, token.attrGet("href")!));
      });
    },
  },
  themeConfig: {
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: "local" },
    socialLinks: [{ icon: "github", link: repository }],
    editLink: { pattern: `${repository}/edit/main/docs/:path`, text: "Edit this page" },
  },
});
