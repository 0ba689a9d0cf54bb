import { readFileSync } from "node:fs";

export type Role = "admin" | "migration_manager" | "viewer";

/** What runs, as `tests/browser/stack.py` wrote it down. */
export interface Stack {
  url: string;
  plan: string;
  migration: string;
  /** Part of a name of every legacy person. */
  canary: string;
  accounts: Readonly<Record<Role, { email: string; password: string }>>;
}

const path = process.env.TRANSFUSE_STACK;
if (path === undefined) throw new Error("TRANSFUSE_STACK names no file: these tests are started by `make test`, which runs what they look at.");

export const stack = JSON.parse(readFileSync(path, "utf-8")) as Stack;
