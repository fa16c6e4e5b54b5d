/**
 * Calls a function at the last moment at which something can be sent: when a page is hidden or left, and when Node has
 * nothing more to do. Enters: what to call; leaves: how to stop. It handles no signals.
 */
import { findBrowserPage } from './browser-globals.js';

interface NodeProcess {
  once?: (event: 'beforeExit', listener: () => void) => void;
  off?: (event: 'beforeExit', listener: () => void) => void;
}

export function flushOnLeave(flush: () => void): () => void {
  const page = findBrowserPage();
  if (page === undefined) {
    const { process } = globalThis as { process?: NodeProcess };
    process?.once?.('beforeExit', flush);
    return () => process?.off?.('beforeExit', flush);
  }
  const onHidden = (): void => {
    if (page.document.visibilityState === 'hidden') flush();
  };
  // Bubbling, so that web-vitals, which listens while the event is on its way down, has told its values by then. A page
  // that is left is told pagehide first and visibilitychange after it; one that was hidden before, pagehide only.
  page.addEventListener('visibilitychange', onHidden);
  page.addEventListener('pagehide', flush);
  return () => {
    page.removeEventListener('visibilitychange', onHidden);
    page.removeEventListener('pagehide', flush);
  };
}
