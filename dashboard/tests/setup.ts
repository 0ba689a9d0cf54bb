import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

afterEach(cleanup);
configure({ asyncUtilTimeout: 20_000 });

/* What jsdom lacks and Radix asks for. */
const nothing = (): undefined => undefined;

class Observer {
  observe = nothing;
  unobserve = nothing;
  disconnect = nothing;
}

const prototype = Element.prototype as unknown as Record<string, unknown>;
for (const name of ["scrollIntoView", "setPointerCapture", "releasePointerCapture"]) prototype[name] = nothing;
prototype.hasPointerCapture = () => false;
Object.assign(globalThis, {
  ResizeObserver: Observer,
  scrollTo: nothing,
  matchMedia: (media: string) => ({ matches: false, media, addEventListener: nothing, removeEventListener: nothing }),
});
