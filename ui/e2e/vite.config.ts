import { defineConfig } from "vite";

/** Bundles the browser scenarios for node; packages stay packages, which is why the result lies below `node_modules`. */
export default defineConfig({
  publicDir: false,
  build: {
    ssr: "e2e/main.ts",
    target: "node20",
    outDir: "node_modules/.e2e",
    emptyOutDir: true,
    reportCompressedSize: false,
    rollupOptions: { output: { entryFileNames: "main.mjs" } },
  },
});
