/**
 * trackPageLoad of one recorder: page_load_time and the web vitals of the page that loaded it, once. Enters: a page's
 * address; leaves: the seconds it recorded. Outside a browser, and for a page that was tracked before, it says so.
 */
import type { Attributes } from '@opentelemetry/api';
import { checkText, describeProblem } from './argument-checks.js';
import { findBrowserPage } from './browser-globals.js';
import { CLIENT_METRICS } from './client-metrics.js';
import { measurePageLoadS, observeWebVitals } from './page-load.js';
import { collectAttributes, placeOnPage, type RecorderCore } from './recorder-core.js';

export interface PageLoadOptions {
  /** LCP, INP, CLS, FCP and TTFB as browser.web_vital.…; true unless said otherwise. */
  webVitals?: boolean;
  attributes?: Attributes;
}

/** Resolves with the seconds that were recorded, or with nothing; it never rejects. */
export type TrackPageLoad = (pageUrl?: string, options?: PageLoadOptions) => Promise<number | undefined>;

/** `state` is shared by all recorders made from one: they share the page as well. */
export interface PageLoadState {
  isTracked: boolean;
}

export function createPageLoadTracker(core: RecorderCore, state: PageLoadState): TrackPageLoad {
  async function track(pageUrl?: string, { webVitals = true, attributes }: PageLoadOptions = {}) {
    const page = findBrowserPage();
    if (page === undefined) throw new Error('there is no page outside a browser');
    if (state.isTracked) {
      throw new Error(
        'this page load was tracked before; for a change of page within an app use trackUserInteraction(page, "navigation", ms)',
      );
    }
    const url = pageUrl ?? page.location.href;
    checkText('pageUrl', url);
    const all = { ...collectAttributes(core, attributes), ...placeOnPage(core, url) };
    state.isTracked = true;
    if (webVitals) void observeWebVitals((metric, value) => core.write(metric, value, all));
    const seconds = await measurePageLoadS(page);
    if (seconds === undefined) throw new Error('the browser has no navigation timing of this page');
    core.write(CLIENT_METRICS.pageLoadTime, seconds, all);
    return seconds;
  }

  return async (pageUrl, options) => {
    try {
      return await track(pageUrl, options);
    } catch (error) {
      core.onInvalid(describeProblem('trackPageLoad', error));
      return undefined;
    }
  };
}
