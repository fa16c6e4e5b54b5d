/**
 * How long a page took to load, and its web vitals, as the browser measured them. Enters: a page; leaves: seconds. The
 * load time counts from navigation start to the end of the load event, and is read only after that event.
 */
import { diag } from '@opentelemetry/api';
import type { BrowserPage } from './browser-globals.js';
import { CLIENT_METRICS, type ClientMetric } from './client-metrics.js';

/** loadEventEnd is set right after the last load listener; a busy page may take a little longer. */
const LOOK_AGAIN_MS = 20;
const LOOKS_MAX = 500;

/** Waits for the end of the load event; nothing if the browser does not tell. */
export async function measurePageLoadS(page: BrowserPage): Promise<number | undefined> {
  if (page.document.readyState !== 'complete') {
    await new Promise<void>((resolve) => page.addEventListener('load', resolve, { once: true }));
  }
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const [entry] = page.performance.getEntriesByType('navigation');
    if (entry === undefined) return undefined;
    if (entry.loadEventEnd > 0) return (entry.loadEventEnd - entry.startTime) / 1000;
    await new Promise((resolve) => setTimeout(resolve, looks === 0 ? 0 : LOOK_AGAIN_MS));
  }
  return undefined;
}

const VITALS: Record<string, { metric: ClientMetric; perUnit: number }> = {
  LCP: { metric: CLIENT_METRICS.largestContentfulPaint, perUnit: 1000 },
  INP: { metric: CLIENT_METRICS.interactionToNextPaint, perUnit: 1000 },
  CLS: { metric: CLIENT_METRICS.cumulativeLayoutShift, perUnit: 1 },
  FCP: { metric: CLIENT_METRICS.firstContentfulPaint, perUnit: 1000 },
  TTFB: { metric: CLIENT_METRICS.timeToFirstByte, perUnit: 1000 },
};

/**
 * Tells each web vital once it is final, the latest when the page is first hidden. What changes after the user came back
 * is not told again: one page load is one value.
 */
export async function observeWebVitals(record: (metric: ClientMetric, value: number) => void): Promise<void> {
  const told = new Set<string>();
  const tell = ({ name, id, value }: { name: string; id: string; value: number }): void => {
    const vital = VITALS[name];
    if (vital === undefined || told.has(id)) return;
    told.add(id);
    record(vital.metric, value / vital.perUnit);
  };
  try {
    const { onCLS, onFCP, onINP, onLCP, onTTFB } = await import('web-vitals');
    for (const observe of [onCLS, onFCP, onINP, onLCP, onTTFB]) observe(tell);
  } catch (error) {
    diag.warn('plumbline: web-vitals could not be loaded, so none are recorded', error);
  }
}
