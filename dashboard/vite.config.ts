import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

const CHUNKS: readonly (readonly [string, RegExp])[] = [
  ["chart", /node_modules\/uplot\//],
  ["table", /node_modules\/@tanstack\/(react-table|table-core)\//],
  ["socket", /node_modules\/(socket\.io|engine\.io|@socket\.io)/],
  ["react", /node_modules\/(react|react-dom|react-router|scheduler)\//],
];

/** Where the Vite server passes requests on to: as the environment says, or a file `.env.local` beside this one. */
function proxied(mode: string): Record<string, string | { target: string; ws: true }> {
  const { VITE_API_URL: gateway = "http://127.0.0.1:8080", VITE_SOCKET_URL: notifier = gateway } = loadEnv(mode, import.meta.dirname);
  return { "/api": gateway, "/socket.io": { target: notifier, ws: true } };
}

export default defineConfig(({ mode }) => ({
  plugins: [react(), tailwindcss()],
  build: {
    outDir: "../services/gateway/static",
    emptyOutDir: true,
    target: "es2022",
    // The default would rewrite light-dark() into variables fixed at the root, and white paper in a dark page turns dark.
    cssTarget: ["chrome123", "safari17.5", "firefox120"],
    sourcemap: false,
    rollupOptions: {
      output: { manualChunks: (id) => CHUNKS.find(([, pattern]) => pattern.test(id))?.[0] },
    },
  },
  server: { proxy: proxied(mode) },
  test: {
    environment: "jsdom",
    setupFiles: ["./tests/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    css: false,
    // What is waited for comes, however busy the machine is: these only end a test that hangs.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}));
