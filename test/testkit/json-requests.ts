/** OTLP/JSON requests written as text, for tests of one rule each, and what the decoder makes of them. */
import { expect } from 'vitest';
import { PermanentError } from '../../src/model/errors.js';
import { type Decoded, decode } from './decode-fixture.js';
import { NOW_UNIX_NANO } from './otlp-message.js';

export const TIME = `"timeUnixNano": "${NOW_UNIX_NANO}"`;
export const decodeText = (text: string): Decoded => decode(Buffer.from(text), 'json');
/** A request of one metric; the text is what stands in the metric's object. */
export const ofMetric = (text: string) =>
  `{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{${text}}]}]}]}`;
export const ofGauge = (points: string) => ofMetric(`"name": "a", "gauge": {"dataPoints": [${points}]}`);
/** What became of a gauge's point whose other fields are the text. */
export const pointOf = (text: string) => decodeText(ofGauge(`{${TIME}, ${text}}`)).rows.numbers[0]!;
export const readValue = (text: string) => {
  const { valueType, valueInt, valueDouble } = pointOf(text);
  return valueType === 1 ? valueInt : valueType === 2 ? valueDouble : undefined;
};
export const histogramOf = (text: string) =>
  decodeText(
    ofMetric(`"name": "a", "histogram": {"aggregationTemporality": 1, "dataPoints": [{${TIME}, ${text}}]}`),
  ).rows.histograms[0]!;

/** Message of the malformed request. */
export function malformed(bytes: string | Uint8Array): string {
  try {
    decode(Buffer.from(bytes as string), 'json');
  } catch (error) {
    expect(error).toBeInstanceOf(PermanentError);
    expect((error as PermanentError).kind).toBe('malformed');
    return (error as PermanentError).message;
  }
  throw new Error(
    `accepted: ${Buffer.from(bytes as string)
      .toString()
      .slice(0, 200)}`,
  );
}
