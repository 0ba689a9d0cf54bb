import type { Configuration } from "./types";
import { api } from "./client";

let asked: Promise<Configuration> | null = null;

/** Where things are, asked once. During development the environment of the Vite server may say otherwise. */
export function configuration(): Promise<Configuration> {
  asked ??= api.getConfig().then(
    (served) => ({ ...served, ...developed() }),
    (error: unknown) => {
      asked = null;
      throw error;
    },
  );
  return asked;
}

function developed(): Partial<Configuration> {
  if (!import.meta.env.DEV) return {};
  const { VITE_SUPABASE_URL: url, VITE_SUPABASE_ANON_KEY: key, VITE_SOCKET_URL: socket } = import.meta.env;
  return {
    ...(url ? { supabaseUrl: url } : {}),
    ...(key ? { supabaseAnonKey: key } : {}),
    ...(socket ? { socketUrl: socket } : {}),
  };
}
