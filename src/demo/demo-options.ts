/**
 * The words a person types for the demo, turned into values. Enters text of options; leaves numbers, durations and the
 * address to send to, or an Error that says what is wrong and how to write it. Loads nothing heavy.
 */
export const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;
export type Protocol = (typeof PROTOCOLS)[number];
export const TEMPORALITIES = ['cumulative', 'delta'] as const;
export type DemoTemporality = (typeof TEMPORALITIES)[number];

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `10s`, `1.5h`, `7d`; `0` needs no unit. */
export function parseDurationMs(text: string, minMs: number, maxMs: number): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)?$/.exec(text.trim());
  if (match === null || (match[2] === undefined && Number(match[1]) !== 0)) {
    throw new Error(`Write a number with a unit (ms, s, m, h, d, w), for example 30s or 7d.`);
  }
  const durationMs = Math.round(Number(match[1]) * UNIT_MS[match[2] ?? 'ms']!);
  if (durationMs !== 0 && (durationMs < minMs || durationMs > maxMs)) {
    throw new Error(`It must lie between ${describeDuration(minMs)} and ${describeDuration(maxMs)}.`);
  }
  return durationMs;
}

export function parseNumber(text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max) {
    throw new Error(`It must be a number from ${min} to ${max}.`);
  }
  return value;
}

export function parseWholeNumber(text: string, min: number, max: number): number {
  const value = parseNumber(text, min, max);
  if (!Number.isInteger(value)) throw new Error(`It must be a whole number from ${min} to ${max}.`);
  return value;
}

/** `http://host:port`, without a trailing slash. */
export function parseEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Error('Write a URL with its scheme, for example http://127.0.0.1:4318.');
  }
  return text.replace(/\/+$/, '');
}

/** Where OTLP over HTTP expects metrics. */
export function joinMetricsPath(endpoint: string): string {
  return endpoint.endsWith('/v1/metrics') ? endpoint : `${endpoint}/v1/metrics`;
}

/** Where a local Plumbline listens: an address to listen on becomes one that can be called. */
export function describeLocalEndpoint(host: string, port: number): string {
  const callable = host === '0.0.0.0' || host === '' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${callable.includes(':') ? `[${callable}]` : callable}:${port}`;
}

/** In the largest unit up to days that divides it: 90 s stays 90s, 120 s becomes 2m. */
export function describeDuration(durationMs: number): string {
  if (durationMs === 0) return '0';
  const unit = ['d', 'h', 'm', 's'].find((name) => durationMs % UNIT_MS[name]! === 0) ?? 'ms';
  return `${durationMs / UNIT_MS[unit]!}${unit}`;
}
