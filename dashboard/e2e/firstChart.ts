import type { Visitor } from "./browser";
import type { Place } from "./places";

export interface FirstChart {
  /** From asking for the page until its chart is drawn. */
  milliseconds: number;
  /** Script that the page asked for until then, as it was sent. */
  bytes: number;
}

/** Opens a run's page as somebody does who has nothing in the cache, and waits for its chart. */
export async function firstChart({ context, page }: Visitor, run: Place): Promise<FirstChart> {
  let bytes = 0;
  const sizes: Promise<void>[] = [];
  page.on("response", (response) => {
    if (!response.url().endsWith(".js")) return;
    sizes.push(response.request().sizes().then(({ responseBodySize }) => void (bytes += responseBodySize)));
  });
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const began = performance.now();
  await page.goto(run.path, { waitUntil: "commit" });
  await page.locator(".chart-box canvas").waitFor();
  const milliseconds = performance.now() - began;
  await Promise.all(sizes);
  return { milliseconds, bytes };
}
