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

export interface ExportChoice {
  protocol: Protocol;
  /** undefined: the Plumbline on this machine. */
  endpoint: string | undefined;
}

/**
 * Protocol and endpoint of the command line, else of the standard variables of OpenTelemetry, those for metrics before those
 * for all signals. The endpoint of the variables is that of their protocol: it is left out where the command line wants gRPC
 * and they mean HTTP, or the other way round.
 *
 * @throws Error naming the variable that cannot be used.
 */
export function chooseExport(
  given: { protocol?: Protocol | undefined; endpoint?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): ExportChoice {
  const variable = (name: string) =>
    [`OTEL_EXPORTER_OTLP_METRICS_${name}`, `OTEL_EXPORTER_OTLP_${name}`].find(
      (each) => (env[each] ?? '').trim() !== '',
    );
  const protocolName = variable('PROTOCOL');
  const asked = protocolName === undefined ? 'http/protobuf' : env[protocolName]!.trim();
  const known = PROTOCOLS.find((each) => each === asked);
  if (known === undefined && given.protocol === undefined) {
    throw new Error(`${protocolName} is ${asked}; it must be one of ${PROTOCOLS.join(', ')}`);
  }
  const protocol = given.protocol ?? known!;
  const endpointName = variable('ENDPOINT');
  const isOfProtocol = (asked === 'grpc') === (protocol === 'grpc');
  if (given.endpoint !== undefined || endpointName === undefined || !isOfProtocol) {
    return { protocol, endpoint: given.endpoint };
  }
  try {
    return { protocol, endpoint: parseEndpoint(env[endpointName]!.trim()) };
  } catch (error) {
    throw new Error(`${endpointName} is ${env[endpointName]}. ${(error as Error).message}`);
  }
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
