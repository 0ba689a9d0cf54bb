import { beforeEach, describe, expect, test, vi } from "vitest";
import { gateway } from "../../tests/page";
import { me } from "../../tests/fixtures";
import { ApiClient } from "../api/ApiClient";
import type { Configuration } from "../api/types";
import { createSessionStore } from "./SessionStore";

const LOCAL: Configuration = { supabaseUrl: null, supabaseAnonKey: null, socketUrl: null };
const SUPABASE: Configuration = { supabaseUrl: "https://supabase.example", supabaseAnonKey: "anon", socketUrl: null };
const SESSION = { accessToken: "secret-token", expiresIn: 600 };

function store(configuration: Configuration) {
  const client = new ApiClient();
  return { client, session: createSessionStore(client, () => Promise.resolve(configuration)) };
}

describe("the session", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    return () => vi.useRealTimers();
  });

  test("a local sign-in keeps its token in memory and nowhere else", async () => {
    const { asked } = gateway({ "POST /api/auth/login": SESSION, "GET /api/auth/me": me("viewer") });
    const { session } = store(LOCAL);
    await session.getState().signIn("night@clinic.example", "a long password");
    expect(session.getState()).toMatchObject({ status: "in", me: { role: "viewer" } });
    expect(asked.at(-1)?.headers.get("Authorization")).toBe("Bearer secret-token");
    expect(JSON.stringify([Object.entries(localStorage), document.cookie])).not.toContain("secret-token");
  });

  test("with Supabase configured people sign in there", async () => {
    const { asked } = gateway({
      "POST https://supabase.example/auth/v1/token": { access_token: "jwt", refresh_token: "r", expires_in: 3600 },
      "GET /api/auth/me": me("admin"),
    });
    const { session } = store(SUPABASE);
    await session.getState().signIn("night@clinic.example", "a long password");
    expect(asked[0]?.headers.get("apikey")).toBe("anon");
    expect(asked.at(-1)?.headers.get("Authorization")).toBe("Bearer jwt");
  });

  test("signing out ends the session at Supabase, too, and says when that did not hear of it", async () => {
    let there: unknown = null;
    const { asked } = gateway({
      "POST https://supabase.example/auth/v1/token": { access_token: "jwt", refresh_token: "r", expires_in: 3600 },
      "POST https://supabase.example/auth/v1/logout": () => there,
      "GET /api/auth/me": me("admin"),
      "POST /api/auth/logout": null,
    });
    const { session } = store(SUPABASE);
    await session.getState().signIn("night@clinic.example", "a long password");
    await session.getState().signOut();
    const ending = asked.find(({ url }) => url.includes("/logout?scope=local"));
    expect(ending?.headers.get("Authorization")).toBe("Bearer jwt");
    expect(session.getState()).toMatchObject({ status: "out", ended: null });
    there = { refused: 500, code: "away", detail: "" };
    await session.getState().signIn("night@clinic.example", "a long password");
    await session.getState().signOut(true);
    expect(asked.some(({ url }) => url.endsWith("/logout?scope=global"))).toBe(true);
    expect(session.getState().ended).toContain("Supabase did not answer");
    expect(session.getState().token()).toBeNull();
  });

  test("a token is renewed before it ends, and a refused one once", async () => {
    let tokens = 0;
    gateway({
      "POST /api/auth/refresh": () => ({ accessToken: `token-${++tokens}`, expiresIn: 600 }),
      "GET /api/auth/me": me("viewer"),
    });
    const { session } = store(LOCAL);
    await Promise.all([session.getState().renew(), session.getState().renew()]);
    expect(tokens).toBe(1);
    await vi.advanceTimersByTimeAsync(541_000);
    expect(session.getState().token()).toBe("token-2");
  });

  test("without a cookie nobody is signed in, and no reason is made up", async () => {
    gateway({ "POST /api/auth/refresh": null });
    const { session } = store(LOCAL);
    expect(await session.getState().renew()).toBe(false);
    expect(session.getState()).toMatchObject({ status: "out", ended: null });
  });

  test("a session that the gateway ended says so", async () => {
    let cookie: unknown = { refused: 401, code: "session_ended", detail: "The session ended." };
    gateway({ "POST /api/auth/login": SESSION, "GET /api/auth/me": me("viewer"), "POST /api/auth/refresh": () => cookie });
    const { session } = store(LOCAL);
    for (const answer of [cookie, null]) {
      cookie = answer;
      await session.getState().signIn("night@clinic.example", "a long password");
      expect(await session.getState().renew()).toBe(false);
      expect(session.getState()).toMatchObject({ status: "out", ended: "The session ended." });
    }
  });

  test("a gateway that does not answer ends no session", async () => {
    gateway({ "POST /api/auth/login": SESSION, "GET /api/auth/me": me("viewer"), "POST /api/auth/refresh": { refused: 503, code: "away", detail: "" } });
    const { session } = store(LOCAL);
    await session.getState().signIn("night@clinic.example", "a long password");
    expect(await session.getState().renew()).toBe(false);
    expect(session.getState().status).toBe("in");
  });

  test("signing out forgets the token, and says when the gateway did not hear of it", async () => {
    gateway({ "POST /api/auth/login": SESSION, "GET /api/auth/me": me("viewer"), "POST /api/auth/logout": { refused: 503, code: "away", detail: "" } });
    const { session } = store(LOCAL);
    await session.getState().signIn("night@clinic.example", "a long password");
    await session.getState().signOut();
    expect(session.getState().status).toBe("out");
    expect(session.getState().ended).toContain("the gateway did not answer");
    expect(session.getState().token()).toBeNull();
  });
});
