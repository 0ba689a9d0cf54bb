/** How long anything is waited for before it counts as missing: a busy machine takes many times as long as an idle one. */
export const PATIENCE_MS = 90_000;
/** A test waits for several things, one after the other. */
export const TEST_MS = 300_000;
