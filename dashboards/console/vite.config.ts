import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { notices } from "./build/notices.ts";

/** Where `npm run dev` finds the API; the built console is served by the API itself. */
const api = process.env.AAL_API_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "/",
  plugins: [react(), tailwindcss(), notices()],
  build: {
    target: "es2023",
    // Inline assets would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    // The polyfill is an inline script in older targets; every supported browser has module preload.
    modulePreload: { polyfill: false },
    // Libraries change less often than the console, so browsers may keep them longer.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "react", test: /node_modules\/react/ }] } },
    },
  },
  server: {
    proxy: {
      "/api": api,
      "/ws": { target: api, ws: true },
    },
  },
});
