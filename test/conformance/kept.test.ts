/** What comes with points and describes them: kept as sent, the latest where it changes. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { NOW_UNIX_NANO, numberPoint, stringAttribute } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { line } from './line.js';

let now = NOW_UNIX_MS;
let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => now);
});
afterAll(() => receiver.stop());

/** Sends one point, a second after the one before it. */
async function send(
  name: string,
  metric: OtlpMessage,
  around: [OtlpMessage, OtlpMessage] = [{}, {}],
): Promise<void> {
  now += 1000;
  const dataPoints = [numberPoint({ timeUnixNano: NOW_UNIX_NANO + BigInt(now - NOW_UNIX_MS) * 1_000_000n })];
  const scopeMetrics = [{ metrics: [{ name, gauge: { dataPoints }, ...metric }], ...around[1] }];
  await receiver.send(
    { resourceMetrics: [{ scopeMetrics, ...around[0] }] },
    now % 2000 === 0 ? 'json' : 'protobuf',
  );
}

const read = (name: string, columns: string) =>
  receiver.stored(`SELECT ${columns} FROM series FINAL WHERE metric_name = '${name}'`);

describe('what comes with points', () => {
  line('kept.schema-urls', async () => {
    const columns = 'resource_schema_url, scope_schema_url';
    await send('kept.schema', {}, [
      { schemaUrl: 'https://example.org/1' },
      { schemaUrl: 'https://example.org/2' },
    ]);
    const first = { resource_schema_url: 'https://example.org/1', scope_schema_url: 'https://example.org/2' };
    expect(await read('kept.schema', columns)).toEqual([first]);
    await send('kept.schema', {}, [{ schemaUrl: 'https://example.org/3' }, {}]);
    const second = { resource_schema_url: 'https://example.org/3', scope_schema_url: '' };
    expect(await read('kept.schema', columns)).toEqual([second]);
  });

  line('kept.unit', async () => {
    for (const [i, unit] of ['ms', 'MiBy/s', '{request}', '', '%', 'seconds', ' µ@ "x"', '1'].entries()) {
      await send(`kept.unit.${i}`, { unit });
      expect(await read(`kept.unit.${i}`, 'unit')).toEqual([{ unit }]);
    }
  });

  line('kept.metadata', async () => {
    const metadata = [stringAttribute('owner', 'shop'), { key: 'tier', value: { intValue: 3n } }];
    await send('kept.metadata', { metadata });
    expect(await read('kept.metadata', 'metadata, metadata_types')).toEqual([
      { metadata: { owner: 'shop', tier: '3' }, metadata_types: { tier: 'int' } },
    ]);
    await send('kept.metadata', { metadata: [stringAttribute('owner', 'pay')] });
    expect(await read('kept.metadata', 'metadata')).toEqual([{ metadata: { owner: 'pay' } }]);
  });

  line('kept.description', async () => {
    for (const description of ['first', 'second', 'first', '']) {
      await send('kept.description', { description });
      expect(await read('kept.description', 'description')).toEqual([{ description }]);
    }
  });
});
