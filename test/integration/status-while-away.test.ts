/** The status is asked for most when something is wrong: it must come, and end nothing, while ClickHouse never was there. */
import { expect, it } from 'vitest';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { gauge, numberPoint, request } from '../testkit/otlp-message.js';
import { startPipeline } from '../testkit/running-pipeline.js';

it('the status comes while ClickHouse is away, and no failed query is left to nobody', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  // Node ends a process over one of these.
  process.on('unhandledRejection', note);
  const away = await startPipeline(() => NOW_UNIX_MS, { CLICKHOUSE_URL: 'http://127.0.0.1:1' });
  try {
    await away.send(request(gauge(numberPoint())));
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`http://${away.pipeline.addresses().web}/api/status`);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ points: { accepted: 1, stored: 0 }, categories: [] });
      await new Promise((done) => setTimeout(done, 100));
    }
  } finally {
    await away.stop();
    process.off('unhandledRejection', note);
  }
  expect(unhandled).toEqual([]);
});
