/**
 * Where this runs, and the little of a browser's globals that is used, typed here so that neither this package nor an app
 * in Node needs the types of the DOM. Leaves no page where there is none.
 */

export interface NavigationEntry {
  startTime: number;
  loadEventEnd: number;
}

export interface BrowserPage {
  document: { readyState: string; visibilityState: string };
  location: { href: string };
  performance: { getEntriesByType(type: 'navigation'): NavigationEntry[] };
  addEventListener(event: string, listener: () => void, options?: { once: boolean }): void;
  removeEventListener(event: string, listener: () => void): void;
}

export function findBrowserPage(): BrowserPage | undefined {
  const page = globalThis as unknown as BrowserPage;
  return typeof page.document === 'object' && typeof page.location === 'object' ? page : undefined;
}

/** False in pages, in workers of browsers, and wherever else a process does not last. */
export function isNodeProcess(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: unknown } } };
  return typeof process?.versions?.node === 'string' && findBrowserPage() === undefined;
}
