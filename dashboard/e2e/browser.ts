import { chromium, type Browser, type BrowserContext, type Page, type Request, type WebSocket } from "playwright-core";
import { PATIENCE_MS } from "./patience";
import { stack, type Role } from "./stack";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;
export type Size = keyof typeof SIZES;
export type Scheme = "light" | "dark";

/** Debian's Chromium; its path comes from whoever starts the tests. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.TRANSFUSE_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** One person in front of one window, and everything that could give away or go wrong there. */
export class Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors and warnings of the console, and what was thrown. */
  readonly complaints: string[] = [];
  /** Everything the console said. */
  readonly said: string[] = [];
  readonly addresses = new Set<string>();
  readonly requests: Request[] = [];
  readonly sockets: WebSocket[] = [];
  readonly frames: string[] = [];
  /** A refusal that a test asks for is in the console as the browser's own words; the test names its status here. */
  expected: RegExp | null = null;

  constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.on("console", (message) => {
      this.said.push(message.text());
      if (message.type() !== "error" && message.type() !== "warning") return;
      if (this.expected?.test(message.text())) return;
      this.complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => this.complaints.push(`thrown: ${error.message}`));
    page.on("request", (request) => {
      this.requests.push(request);
      this.addresses.add(request.url());
    });
    page.on("framenavigated", (frame) => this.addresses.add(frame.url()));
    page.on("websocket", (socket) => {
      this.sockets.push(socket);
      socket.on("framereceived", ({ payload }) => this.frames.push(String(payload)));
    });
  }

  /** How often the API was asked for that. */
  asked(path: RegExp): number {
    return this.requests.filter((request) => path.test(new URL(request.url()).pathname)).length;
  }

  /** What the browser keeps beyond the page: storage of all kinds, cookies, history's titles and addresses. */
  async kept(): Promise<string> {
    const inPage = await this.page.evaluate(async () => {
      const databases = await indexedDB.databases();
      const caches_ = await caches.keys();
      return JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), databases, caches_, document.title, history.state]);
    });
    return [inPage, JSON.stringify(await this.context.cookies()), ...this.addresses, ...this.said].join("\n");
  }
}

export interface Look {
  size?: Size;
  scheme?: Scheme;
}

/** A window that nobody is signed in at. */
export async function visit(browser: Browser, { size = "desktop", scheme = "light" }: Look = {}): Promise<Visitor> {
  const context = await browser.newContext({
    baseURL: stack.url,
    viewport: SIZES[size],
    colorScheme: scheme,
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "UTC",
    hasTouch: size === "phone",
  });
  context.setDefaultTimeout(PATIENCE_MS);
  return new Visitor(context, await context.newPage());
}

/** Signs in by the form, as a person does. */
export async function signIn(visitor: Visitor, role: Role): Promise<void> {
  const { email, password } = stack.accounts[role];
  const { page } = visitor;
  await page.goto("/sign-in");
  await page.getByLabel("Work e-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Migrations", level: 1 }).waitFor();
}

/** A window of somebody who is signed in. */
export async function visitAs(browser: Browser, role: Role, look: Look = {}): Promise<Visitor> {
  const visitor = await visit(browser, look);
  await signIn(visitor, role);
  return visitor;
}
