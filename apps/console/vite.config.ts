import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Control serves the result at the root of the operators' port, beside its api. */
export default defineConfig({
  base: "/",
  plugins: [react()],
  build: { outDir: "dist", emptyOutDir: true, target: "es2023", sourcemap: false },
});
