import { defineConfig, type Plugin } from "vite";

/**
 * PatternFly's base style sheet brings Red Hat's fonts along. The appliance shows the viewer's own
 * fonts (see `src/app/base.css`), so their rules and files stay out of the build.
 */
function withoutWebFonts(): Plugin {
  return {
    name: "without-web-fonts",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("@patternfly") || !id.split("?")[0]!.endsWith(".css")) return null;
      return { code: code.replaceAll(/@font-face\s*\{[^}]*\}/g, ""), map: null };
    },
  };
}

/** Where `npm run dev` sends the API's requests: a control plane that runs on this machine. */
const controlPlane = process.env["CONTROL_PLANE"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [withoutWebFonts()],
  build: {
    target: "es2022",
    // The content security policy allows no inline script, and `data:` only for images.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    cssCodeSplit: true,
    reportCompressedSize: false,
  },
  server: {
    host: "127.0.0.1",
    // The server compares Origin with Host: both must be its own.
    proxy: { "/api": { target: controlPlane, changeOrigin: true, headers: { origin: controlPlane } } },
  },
});
