import type { NextConfig } from "next";

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
  skipTrailingSlashRedirect: true, // such redirects would lack the headers below
  images: { unoptimized: true },
  headers: async () => [{ source: "/:path*", headers: [{ key: "X-Content-Type-Options", value: "nosniff" }] }],
  // PGlite reads its WebAssembly and its database template from the folder of its code.
  serverExternalPackages: ["@electric-sql/pglite"],
  outputFileTracingIncludes: { "/**": ["node_modules/@electric-sql/pglite/dist/*.{wasm,data}"] },
  outputFileTracingExcludes: { "**": ["node_modules/@img/**", "node_modules/sharp/**", "node_modules/typescript/**"] },
};

export default config;
