import { ApiProblem } from "./ApiProblem";

/** What Supabase Auth answers to a sign-in. */
interface Grant {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

const UNANSWERED = { detail: "Supabase did not answer", remedy: "Try again in a moment." };

/** Sign-in at Supabase Auth. The refresh token stays in memory: a closed page is signed out. */
export class SupabaseAuth {
  readonly #url: string;
  readonly #anonKey: string;
  #refreshToken: string | null = null;

  constructor(url: string, anonKey: string) {
    this.#url = url.replace(/\/$/, "");
    this.#anonKey = anonKey;
  }

  /** Raises an ApiProblem when address and password do not match. */
  signIn(email: string, password: string): Promise<{ accessToken: string; expiresIn: number }> {
    return this.#grant("password", { email, password });
  }

  refresh(): Promise<{ accessToken: string; expiresIn: number }> {
    if (this.#refreshToken === null) return Promise.reject(new ApiProblem({ status: 401, code: "not_signed_in", detail: "Nobody is signed in" }));
    return this.#grant("refresh_token", { refresh_token: this.#refreshToken });
  }

  /** Ends the session there, or all of the account. Raises an ApiProblem when it may not have ended. */
  async signOut(accessToken: string, everywhere: boolean): Promise<void> {
    const response = await this.#post(`logout?scope=${everywhere ? "global" : "local"}`, {}, { Authorization: `Bearer ${accessToken}` });
    // 401 and 403: that session has ended before.
    if (!response.ok && response.status !== 401 && response.status !== 403) throw new ApiProblem(UNANSWERED);
  }

  forget(): void {
    this.#refreshToken = null;
  }

  async #grant(type: string, body: object): Promise<{ accessToken: string; expiresIn: number }> {
    const response = await this.#post(`token?grant_type=${type}`, body);
    if (response.status === 429)
      throw new ApiProblem({ status: 429, code: "too_many_requests", detail: "Too many tries", remedy: "Wait a minute." });
    if (!response.ok)
      throw new ApiProblem({ status: 401, code: "sign_in_refused", detail: "Address and password do not match." });
    const grant = (await response.json()) as Grant;
    this.#refreshToken = grant.refresh_token;
    return { accessToken: grant.access_token, expiresIn: grant.expires_in };
  }

  async #post(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    try {
      return await fetch(`${this.#url}/auth/v1/${path}`, {
        method: "POST",
        cache: "no-store",
        credentials: "omit",
        referrerPolicy: "no-referrer",
        headers: { apikey: this.#anonKey, "Content-Type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
    } catch {
      throw new ApiProblem(UNANSWERED);
    }
  }
}
