import type { NextConfig } from "next";

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
  skipTrailingSlashRedirect: true, // Next.js leaves the headers below off such redirects
  images: { unoptimized: true },
  headers: async () => [{ source: "/:path*", headers: [{ key: "X-Content-Type-Options", value: "nosniff" }] }],
  // PGlite reads its WebAssembly and its template of a database from beside its own code.
  serverExternalPackages: ["@electric-sql/pglite"],
  outputFileTracingIncludes: { "/**": ["node_modules/@electric-sql/pglite/dist/*.{wasm,data}"] },
  outputFileTracingExcludes: { "**": ["node_modules/@img/**", "node_modules/sharp/**", "node_modules/typescript/**"] },
};

export default config;
