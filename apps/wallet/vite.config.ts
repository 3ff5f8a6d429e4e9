import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** In development the apis come from a running Tideway; in production the gateway serves both. */
const publicUrl = process.env["TIDEWAY_PUBLIC_URL"] ?? "http://127.0.0.1:8080";

const noSchemas = new URL("src/api/no-schemas.ts", import.meta.url);

export default defineConfig({
  base: "/",
  plugins: [react()],
  // Schemas are types to a browser; without their library the first load is a tenth smaller.
  resolve: {
    alias: [{ find: /^typebox$/, replacement: fileURLToPath(noSchemas) }],
  },
  build: {
    target: "es2023",
    // Files of their own instead of data URLs, which the page's policy does not allow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // One file for what each screen needs and what changes only with a new version of it.
        codeSplitting: {
          groups: [{ name: "base", test: /node_modules\/(react|react-dom|scheduler|@tanstack)\// }],
        },
      },
    },
  },
  server: { host: "127.0.0.1", proxy: { "/api": { target: publicUrl } } },
});
