/** What the page of browser.test.ts runs, bundled: an app that starts Plumbline in one line and awaits nothing before it records. */
import { startPlumbline, trackPageLoad, trackUserInteraction } from 'plumbline/client';

const settings = JSON.parse(document.getElementById('settings').textContent);
const started = startPlumbline({ ...settings, exportIntervalMs: 3_600_000 });
const pageLoad = trackPageLoad();

document.querySelector('button').addEventListener('click', (event) => {
  // What a click costs: 80 ms of work, so that there is something to measure.
  while (performance.now() - event.timeStamp < 80);
  globalThis.clickMs = performance.now() - event.timeStamp;
  trackUserInteraction(location.href, 'click', globalThis.clickMs);
});

/** Sends what there is; what the page itself measured. */
globalThis.report = async () => {
  const plumbline = await started;
  const recordedS = await pageLoad;
  await plumbline.flush();
  const [navigation] = performance.getEntriesByType('navigation');
  return { recordedS, loadEndMs: navigation.loadEventEnd, clickMs: globalThis.clickMs };
};
