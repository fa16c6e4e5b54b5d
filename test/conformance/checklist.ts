/**
 * What a receiver of OTLP metrics must get right, one line each, in our own words. Sources: the OTLP specification and
 * .proto files, the metrics data model, and how collectors and SDKs behave. A line is proven by tests that are
 * registered with `line` (line.ts); docs/conformance.md shows which lines are.
 */

export interface ChecklistLine {
  /** Unique; the word before the dot is the section's. */
  id: string;
  section: string;
  text: string;
}

const SECTIONS: Record<string, Record<string, string>> = {
  'HTTP, POST /v1/metrics': {
    'http.success': 'all taken: 200 and an empty answer, 0 bytes of protobuf or {} in JSON',
    'http.partial': 'some points rejected: 200 with how many, which and why',
    'http.warning': 'nothing rejected but something to say: 200 with 0 rejected and a message',
    'http.empty': 'an empty request and empty envelopes are a success',
    'http.malformed': 'a body that cannot be decoded or decompressed: 400, a Status with a BadRequest detail',
    'http.too-large':
      'a body above the limit, on the wire or decompressed: 413; the limit is a setting of 64 MiB',
    'http.overload':
      'no room, a full spool, storage away for longer than the spool lasts: 503 or 429 with Retry-After',
    'http.wrong-request': 'wrong content type 415, wrong method 405, wrong path 404, each with a Status',
    'http.unauthenticated': 'missing or wrong credentials: 401, a Status with code 16',
    'http.status-encoding': 'every 4xx and 5xx body is a Status in the encoding of the request',
    'http.content-type':
      'content types in any case and with parameters are taken; the answer has the bare type',
    'http.retryable':
      'only 429, 502, 503 and 504 invite a retry, and an outage of the storage is never a 500',
    'http.code-table': 'errors get the HTTP status that belongs to their gRPC code',
    'http.answer-size': 'an answer stays below 4 MiB however much there is to say',
    'http.retry-after': 'Retry-After is never below 1, which some exporters read as never',
  },
  'Compression and limits': {
    'compression.encodings':
      'none, identity, gzip, zstd, deflate, zlib, snappy, x-snappy-framed and lz4 are taken',
    'compression.multi-member': 'gzip of several members is one body',
    'compression.bounded':
      'the limit holds for decompressed bytes while they are made, not only for those on the wire',
    'compression.zstd-bomb': 'a small zstd body that expands without end is stopped at the limit',
    'compression.chunked': 'a body without Content-Length is taken, as the exporters of Node send it',
  },
  'gRPC, MetricsService/Export': {
    'grpc.corrupt-gzip': 'a message whose gzip is damaged fails its call and nothing else',
    'grpc.message-limit': 'a message above the limit of HTTP: RESOURCE_EXHAUSTED without RetryInfo',
    'grpc.overload': 'no room: UNAVAILABLE with RetryInfo',
    'grpc.bad-data': 'a message that is no request: INVALID_ARGUMENT',
    'grpc.zstd': 'zstd is answered with UNIMPLEMENTED, and the documents say so',
    'grpc.keepalive': 'a ping every 10 s is tolerated; how long connections live is a setting',
    'grpc.small-requests': 'many one-point requests at one time are all taken, each point once',
  },
  'TLS, tokens, CORS': {
    'tls.both-ports': 'TLS 1.2 and newer, with client certificates where asked for, on both ports',
    'tls.reload': 'new certificates are taken up without a restart',
    'auth.tokens': 'bearer tokens are asked for on both ports',
    'auth.constant-time': 'comparing a token takes as long whatever it is',
    'cors.outside':
      'CORS headers are on every answer to an allowed origin, errors included, and preflights need no token',
    'cors.origin': 'the exact origin is echoed, and * never goes with credentials',
    'cors.headers': 'content type, authorization and configured headers may be sent, Retry-After may be read',
    'cors.off': 'without a setting there is no CORS',
  },
  'JSON mapping': {
    'json.integers': '64-bit integers as text or number; a bare number above 2^53 keeps every digit',
    'json.enums': 'enums by number',
    'json.unknown-fields': 'fields that are not known are passed over, whatever is in them',
    'json.names': 'fields in lowerCamelCase, and in snake_case too',
    'json.doubles': 'doubles as number or text, and NaN, Infinity and -Infinity by name',
    'json.bytes': 'bytes in base64',
    'json.ids': 'trace and span IDs in hex of either case, 16 and 8 bytes or none',
    'json.null': 'null is as good as not there, and never costs the batch',
    'json.presence': 'sum, min and max that are not there stay unset, 0 stays 0',
  },
  'Identity of a stream': {
    'model.identity':
      'resource, scope name, version and attributes, metric name, type, unit, temporality, monotonicity and attributes make a stream',
    'model.attribute-order': 'the order of attributes makes no other stream',
    'model.not-identity': 'description, bounds, scale, and integer or double make no other stream',
    'model.two-instances':
      'two instances with the same attributes and different start times are no resets of each other',
  },
  'Points that are rejected, one by one and with a reason': {
    'reject.time-zero': 'a point without a time',
    'reject.time-in-future': 'a point far ahead of the clock',
    'reject.temporality': 'sums and histograms of either kind without a temporality',
    'reject.value-missing': 'a number without a value that does not say there is none',
    'reject.bucket-counts': 'a histogram whose counts are not one more than its bounds',
    'reject.bounds': 'bounds that do not increase, infinite ones in the middle among them',
    'reject.exponential': 'a scale or bucket index beyond what doubles can hold',
    'reject.quantiles': 'quantiles of a summary outside 0 to 1 or not increasing',
    'reject.conflicting-points':
      'of points with one series, start and time and different values all but one, with advice for the writers',
    'reject.never-the-batch': 'bad points never take good ones with them',
  },
  'Points that are valid and easily lost': {
    'valid.no-buckets': 'a histogram without any buckets keeps count and sum',
    'valid.one-bucket': 'a histogram of one bucket without bounds',
    'valid.unknown-fields': 'a request with a million unknown fields',
    'valid.exemplars-without-ids': 'exemplars without trace and span',
    'valid.any-value': 'attributes of every type, also empty, bytes and nested, to a depth that has a limit',
    'valid.infinite-bounds':
      'a last bound of +Inf and a first of −Inf, which are dropped; quantiles are those without them',
    'valid.gauge-start': 'a gauge with any start time',
    'valid.impossible-start': 'a start after the point itself: unknown, and the sender hears of it',
    'valid.count-and-buckets':
      'a count that is missing, or differs from the sum of the buckets: the larger one counts, and the sender hears of it',
    'valid.repeats': 'points that come twice in one request are one',
    'valid.no-recorded-value':
      'the no-recorded-value flag ends a series until its next point, and its value counts for nothing',
  },
  Histograms: {
    'histogram.bounds': 'buckets reach from above the lower bound to the upper bound inclusive',
    'histogram.exponential':
      'bucket i lies between base^i and base^(i+1), base 2^(2^-scale), negative ones by magnitude',
    'histogram.merging':
      'histograms of different scales merge exactly at the smaller one; zero thresholds only widen',
    'histogram.quantiles': 'quantiles see zero and negative buckets',
    'histogram.quantiles-exponential':
      'within a bucket of an exponential histogram quantiles are interpolated exponentially',
  },
  Increases: {
    'increase.true-start': 'a cumulative point whose start is before it counts from zero at its start',
    'increase.unknown-start': 'a cumulative point that starts when it is taken adds nothing the first time',
    'increase.reset-by-start':
      'another start time is a reset: the new value counts in full, unless it continues the point before',
    'increase.start-moves':
      'a point that starts at the time of the point before, not below it, goes on from it; so does one whose start is lost',
    'increase.baseline':
      'totals of a process that ran long before anything of it arrived are a baseline; a series that is new later counts in full',
    'increase.machine-counter': 'counters of the whole machine are one stream by time, whatever their starts',
    'increase.reset-by-drop': 'a drop without another start time is a reset too',
    'increase.reset-by-bucket':
      'a cumulative histogram of which a bucket shrank while its count grew was restarted, and so was a summary whose sum fell',
    'increase.delta': 'deltas add up, also those whose start is their time',
    'increase.any-order':
      'late, disordered and repeated points give what the sorted stream without repeats gives',
    'increase.retries': 'a request sent twice counts once',
  },
  'What comes with points': {
    'kept.schema-urls': 'both schema URLs are kept',
    'kept.unit': 'the unit is kept letter by letter',
    'kept.metadata': 'metadata of the metric is kept',
    'kept.description': 'the latest description is kept',
    'kept.repeated-exemplars':
      'an exemplar that is sent again with later points is one row, of the first that carried it',
    'kept.round-trip': 'a request comes back from SQL as it was sent',
  },
  'Real clients': {
    'clients.exporters':
      'the exporters of OpenTelemetry for Node, http/protobuf, http/json and grpc, lose nothing',
    'clients.temporalities': 'cumulative and delta readers both arrive as they recorded',
    'clients.exponential-views': 'views with exponential histograms arrive bucket by bucket',
    'clients.examples': 'the example request of opentelemetry-proto is taken in whole',
    'clients.host-metrics': 'host-metrics of OpenTelemetry arrive as recorded',
    'clients.runtime-node': 'instrumentation-runtime-node arrives as recorded',
    'clients.instrumentation-http':
      'http.server.request.duration of instrumentation-http arrives as recorded',
  },
};

export const CHECKLIST: readonly ChecklistLine[] = Object.entries(SECTIONS).flatMap(([section, lines]) =>
  Object.entries(lines).map(([id, text]) => ({ id, section, text })),
);
