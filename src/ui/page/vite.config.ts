import { defineConfig, type UserConfig } from "vite";

/** The page is files that a server of ours hands out: nothing inline, nothing from elsewhere. */
const config: UserConfig = defineConfig({
  base: "/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});

export default config;
