/**
 * Requests of test/testkit/cases, small inputs that once went wrong, with the times that a test chooses. Enters: the name of a
 * case; leaves: OTLP/JSON. A time `@-N` in a file is N seconds before a base time.
 */
import { readFileSync } from 'node:fs';

/** The body of a request. `baseUnixMs`: the base time, milliseconds since the epoch. */
export function readCase(name: string, baseUnixMs: number): string {
  const text = readFileSync(new URL(`cases/${name}.json`, import.meta.url), 'utf8');
  return text.replaceAll(/"@(-?\d+(?:\.\d+)?)"/g, (_, seconds: string) => {
    const nanos = BigInt(baseUnixMs) * 1_000_000n + BigInt(Math.round(Number(seconds) * 1e9));
    return `"${nanos}"`;
  });
}

type Json = Record<string, unknown>;

/** The same with each data point in a request of its own. */
export function readCasePoints(name: string, baseUnixMs: number): string[] {
  const request = JSON.parse(readCase(name, baseUnixMs)) as Json;
  const requests: string[] = [];
  for (const resource of request.resourceMetrics as Json[])
    for (const scope of resource.scopeMetrics as Json[])
      for (const metric of scope.metrics as Json[]) {
        const [data, { dataPoints, ...fields }] = Object.entries(metric).find(
          ([, value]) => typeof value === 'object' && 'dataPoints' in value!,
        ) as [string, { dataPoints: Json[] }];
        for (const point of dataPoints) {
          const own = { ...metric, [data]: { ...fields, dataPoints: [point] } };
          const scopeMetrics = [{ ...scope, metrics: [own] }];
          requests.push(JSON.stringify({ resourceMetrics: [{ ...resource, scopeMetrics }] }));
        }
      }
  return requests;
}
