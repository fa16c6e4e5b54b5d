/**
 * Active series as bytes: ClickHouse's RowBinary of (String metric_name, String service, Array(UInt64) series_ids). Lengths
 * are varints, integers little-endian.
 */
import type { ActiveSeries } from './series.js';

/** The whole rows of `bytes`; a row that is cut short ends them. */
export function decodeActiveSeries(bytes: Buffer): ActiveSeries[] {
  let at = 0;
  const readVarint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) return Number.POSITIVE_INFINITY;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const rows: ActiveSeries[] = [];
  const readText = () => {
    const length = readVarint();
    at += length;
    return at <= bytes.length ? bytes.toString('utf8', at - length, at) : '';
  };
  while (at < bytes.length) {
    const metricName = readText();
    const service = readText();
    const length = readVarint() * 8;
    const from = bytes.byteOffset + at;
    at += length;
    if (!(at <= bytes.length)) break;
    rows.push({ metricName, service, ids: new Uint32Array(bytes.buffer.slice(from, from + length)) });
  }
  return rows;
}

export function encodeActiveSeries(rows: readonly ActiveSeries[]): Buffer[] {
  return rows.flatMap(({ metricName, service, ids }) => [
    encodeText(metricName),
    encodeText(service),
    encodeVarint(ids.length / 2),
    Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength),
  ]);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([encodeVarint(bytes.length), bytes]);
}

function encodeVarint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  bytes.push(value);
  return Buffer.from(bytes);
}
