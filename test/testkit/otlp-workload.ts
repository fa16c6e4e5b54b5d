/**
 * OTLP requests of two known shapes, written straight to protobuf bytes: TSBS-like (devops cpu metrics, one attribute a
 * point) and SDK-like (five attributes a point, a full resource). For benchmarks and crash tests; every point distinct.
 */

/** Grows as needed; fields are written in the order of the calls. */
export class WireWriter {
  private bytes = Buffer.alloc(4096);
  private length = 0;

  varint(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    return this.byte(rest);
  }
  /** Length-delimited field. */
  field(number: number, value: string | Uint8Array): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    this.varint(number * 8 + 2).varint(bytes.length).room(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }
  fixed64(number: number, value: bigint): this {
    this.varint(number * 8 + 1).room(8);
    this.bytes.writeBigInt64LE(value, this.length);
    this.length += 8;
    return this;
  }
  number(number: number, value: number): this {
    return this.varint(number * 8).varint(value);
  }
  finish(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }
  private byte(value: number): this {
    this.room(1);
    this.bytes[this.length++] = value;
    return this;
  }
  private room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = Buffer.alloc(Math.max(this.length + count, this.bytes.length * 2));
    this.bytes.copy(grown);
    this.bytes = grown;
  }
}

export function keyValue(key: string, value: string): Buffer {
  return new WireWriter().field(1, key).field(2, new WireWriter().field(1, value).finish()).finish();
}

export interface WorkloadRequest {
  /** Time of every point in the request. */
  timeUnixNano: bigint;
  startUnixNano: bigint;
  /** First of the hosts (TSBS-like) or the one node (SDK-like) of the request. */
  host: number;
  points: number;
  /** Where values come from: 0 ≤ n < 1, as Math.random. */
  random: () => number;
}

/** 10 metrics × points/10 hosts; gauges of small integers with attribute hostname. */
export function buildTsbsRequest(request: WorkloadRequest): Buffer {
  const metrics = 10;
  const scope = new WireWriter();
  for (let m = 0; m < metrics; m++) {
    const gauge = new WireWriter();
    for (let h = 0; h < request.points / metrics; h++) {
      const point = new WireWriter()
        .field(7, keyValue('hostname', `host_${request.host + h}`))
        .fixed64(3, request.timeUnixNano)
        .fixed64(6, BigInt(Math.floor(request.random() * 101)));
      gauge.field(1, point.finish());
    }
    scope.field(2, new WireWriter().field(1, `cpu.usage_${m}`).field(3, '1').field(5, gauge.finish()).finish());
  }
  return wrap(new WireWriter().field(1, keyValue('service.name', 'tsbs')).finish(), scope.finish());
}

const SDK_ROUTES = 50;

/** 20 cumulative counters × points/20 attribute sets of five attributes, with resource, scope, unit, description. */
export function buildSdkRequest(request: WorkloadRequest): Buffer {
  const metrics = 20;
  const resource = new WireWriter();
  for (const [key, value] of [
    ['service.name', 'checkout'],
    ['service.version', '1.2.3'],
    ['host.name', `node-${request.host}`],
    ['telemetry.sdk.language', 'nodejs'],
    ['telemetry.sdk.name', 'opentelemetry'],
    ['telemetry.sdk.version', '2.12.1'],
  ] as const) {
    resource.field(1, keyValue(key, value));
  }
  const scope = new WireWriter().field(
    1,
    new WireWriter().field(1, '@opentelemetry/instrumentation-http').field(2, '0.223.0').finish(),
  );
  for (let m = 0; m < metrics; m++) {
    const sum = new WireWriter();
    for (let i = 0; i < request.points / metrics; i++) {
      const elapsedS = Number((request.timeUnixNano - request.startUnixNano) / 1_000_000_000n);
      const point = new WireWriter()
        .field(7, keyValue('http.request.method', ['GET', 'POST', 'PUT'][i % 3]!))
        .field(7, keyValue('http.route', `/api/v1/resource/${i % SDK_ROUTES}`))
        .field(7, keyValue('http.response.status_code', String(200 + Math.floor(i / SDK_ROUTES))))
        .field(7, keyValue('server.address', 'shop.example.com'))
        .field(7, keyValue('network.protocol.version', '1.1'))
        .fixed64(2, request.startUnixNano)
        .fixed64(3, request.timeUnixNano)
        .fixed64(6, BigInt(elapsedS * (1 + (i % 7)) + Math.floor(request.random() * 3)));
      sum.field(1, point.finish());
    }
    sum.number(2, 2).number(3, 1);
    const metric = new WireWriter()
      .field(1, `http.server.activity_${m}`)
      .field(2, 'What the server did, counted by route and status.')
      .field(3, '{request}')
      .field(7, sum.finish());
    scope.field(2, metric.finish());
  }
  return wrap(resource.finish(), scope.finish());
}

function wrap(resource: Buffer, scopeMetrics: Buffer): Buffer {
  return new WireWriter().field(1, new WireWriter().field(1, resource).field(2, scopeMetrics).finish()).finish();
}
