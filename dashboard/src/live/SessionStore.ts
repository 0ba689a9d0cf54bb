import { create } from "zustand";
import type { ApiClient } from "../api/ApiClient";
import { ApiProblem } from "../api/ApiProblem";
import { api } from "../api/client";
import { configuration } from "../api/configuration";
import { SupabaseAuth } from "../api/SupabaseAuth";
import type { Configuration, Me, Permission, Session } from "../api/types";

export interface SessionStore {
  /** `unknown` until the cookie was tried. */
  status: "unknown" | "out" | "in";
  me: Me | null;
  /** Why the last session ended, for the sign-in page. */
  ended: string | null;
  signIn: (email: string, password: string) => Promise<void>;
  signOut: (everywhere?: boolean) => Promise<void>;
  /** Another access token; false when there is no session any more. */
  renew: () => Promise<boolean>;
  token: () => string | null;
}

const EARLY_SECONDS = 60;
const ENDED = "The session ended.";

/** Who is signed in. Tokens live in this memory and nowhere else; the gateway's cookie is out of the page's reach. */
export function createSessionStore(client: ApiClient, configured: () => Promise<Configuration>) {
  let token: string | null = null;
  let supabase: SupabaseAuth | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let renewing: Promise<boolean> | null = null;

  const atSupabase = async (): Promise<SupabaseAuth | null> => {
    const { supabaseUrl, supabaseAnonKey } = await configured();
    if (!supabaseUrl) return null;
    supabase ??= new SupabaseAuth(supabaseUrl, supabaseAnonKey ?? "");
    return supabase;
  };

  const endAtSupabase = async (accessToken: string | null, everywhere: boolean): Promise<void> => {
    const auth = await atSupabase();
    if (auth && accessToken !== null) await auth.signOut(accessToken, everywhere);
  };

  const store = create<SessionStore>()((set, get) => {
    const take = async (session: Session): Promise<void> => {
      token = session.accessToken;
      clearTimeout(timer);
      timer = setTimeout(() => void get().renew(), Math.max(5, session.expiresIn - EARLY_SECONDS) * 1000);
      const me = await client.getMe();
      set({ status: "in", me, ended: null });
    };

    const drop = (ended: string | null): void => {
      token = null;
      clearTimeout(timer);
      supabase?.forget();
      set({ status: "out", me: null, ended });
    };

    const renewOnce = async (): Promise<boolean> => {
      const wasIn = get().status === "in";
      token = null;
      try {
        const auth = await atSupabase();
        const session = await (auth ? auth.refresh() : client.refresh());
        if (session) await take(session);
        else drop(wasIn ? ENDED : null);
        return session !== null;
      } catch (error) {
        const lasting = ApiProblem.of(error).status;
        // An unreachable gateway ends nothing: the next request tries again.
        if (wasIn && (lasting === 0 || lasting >= 500)) return false;
        drop(wasIn ? ENDED : null);
        return false;
      }
    };

    return {
      status: "unknown",
      me: null,
      ended: null,
      token: () => token,

      signIn: async (email, password) => {
        const auth = await atSupabase();
        await take(await (auth ? auth.signIn(email, password) : client.login(email, password)));
      },

      signOut: async (everywhere = false) => {
        const ends = [
          { at: "the gateway", end: client.logout(everywhere) },
          // Supabase knows nothing of what the gateway refuses: a session that goes on there would give new tokens.
          { at: "Supabase", end: endAtSupabase(token, everywhere) },
        ];
        const ended = await Promise.allSettled(ends.map(({ end }) => end));
        const silent = ends.filter((_, place) => ended[place]?.status === "rejected").map(({ at }) => at);
        drop(
          silent.length === 0
            ? null
            : `This page forgot the session, but ${silent.join(" and ")} did not answer. To end it there too, sign in and out again.`,
        );
      },

      renew: () => {
        renewing ??= renewOnce().finally(() => {
          renewing = null;
        });
        return renewing;
      },
    };
  });
  client.authenticate({ token: () => token, renew: () => store.getState().renew() });
  return store;
}

/** The session of this page. */
export const useSession = createSessionStore(api, configuration);

/** Whether the one who is signed in may do that. The gateway asks again at every call. */
export function useMay(permission: Permission): boolean {
  return useSession((session) => session.me?.permissions.includes(permission) ?? false);
}
