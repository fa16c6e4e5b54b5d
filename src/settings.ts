/** Every setting of the server in one table: environment name, default, bounds, unit. What reads it: config.ts. */

export interface NumberSetting {
  env: string;
  default: number;
  min: number;
  max: number;
  unit: string;
  about: string;
}

export interface TextSetting {
  env: string;
  default: string;
  about: string;
  /** Never shown. */
  isSecret?: boolean;
  oneOf?: readonly string[];
  /** Letters, digits and _ only, for what becomes part of statements. */
  isIdentifier?: boolean;
}

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const SERIES = { min: 0, max: 100_000_000, unit: 'series' };
const WAIT = { min: 100, max: 600_000, unit: 'ms' };
const HOST = { default: '' };
const PORT = { min: 0, max: 65_535, unit: 'port' };

export const SETTINGS = {
  dataDir: {
    env: 'PLUMBLINE_DATA_DIR',
    default: './data',
    about: 'where the spool and the embedded ClickHouse live',
  },
  host: {
    env: 'PLUMBLINE_HOST',
    default: '127.0.0.1',
    about: 'address to listen on; 0.0.0.0 = every interface',
  },
  grpcHost: { env: 'PLUMBLINE_GRPC_HOST', ...HOST, about: 'address of the gRPC port; none = PLUMBLINE_HOST' },
  httpHost: {
    env: 'PLUMBLINE_HTTP_HOST',
    ...HOST,
    about: 'address of the OTLP HTTP port; none = PLUMBLINE_HOST',
  },
  sqlHost: { env: 'PLUMBLINE_SQL_HOST', ...HOST, about: 'address of the SQL port; none = PLUMBLINE_HOST' },
  webHost: { env: 'PLUMBLINE_WEB_HOST', ...HOST, about: 'address of the web port; none = PLUMBLINE_HOST' },
  grpcPort: {
    env: 'PLUMBLINE_GRPC_PORT',
    default: 4317,
    ...PORT,
    about: 'OTLP over gRPC; 0 = any free port',
  },
  httpPort: { env: 'PLUMBLINE_HTTP_PORT', default: 4318, ...PORT, about: 'OTLP over HTTP' },
  sqlPort: {
    env: 'PLUMBLINE_SQL_PORT',
    default: 8123,
    ...PORT,
    about: 'ClickHouse SQL over HTTP (embedded mode)',
  },
  webPort: { env: 'PLUMBLINE_WEB_PORT', default: 4320, ...PORT, about: 'page, API, /healthz, /readyz' },
  clickhouseUrl: {
    env: 'CLICKHOUSE_URL',
    default: '',
    about: 'a ClickHouse server to use instead of the embedded one',
  },
  clickhouseUser: { env: 'CLICKHOUSE_USER', default: 'default', about: 'its user' },
  clickhousePassword: { env: 'CLICKHOUSE_PASSWORD', default: '', isSecret: true, about: 'its password' },
  clickhouseDatabase: { env: 'CLICKHOUSE_DATABASE', default: 'plumbline', about: 'database of every table' },
  clickhouseCluster: {
    env: 'CLICKHOUSE_CLUSTER',
    default: '',
    isIdentifier: true,
    about: 'the cluster that server is one of (remote_servers): tables are sharded and replicated over it',
  },
  requestBytesMax: {
    env: 'PLUMBLINE_REQUEST_BYTES_MAX',
    default: 64 * MIB,
    min: 1024,
    max: 1024 * MIB,
    unit: 'bytes',
    about: 'largest request, on the wire and decompressed',
  },
  requestMessagesMax: {
    env: 'PLUMBLINE_REQUEST_MESSAGES_MAX',
    default: 5_000_000,
    min: 1_000,
    max: 1_000_000_000,
    unit: 'messages',
    about:
      'protobuf messages in one request: resources, scopes, metrics, points, exemplars, attributes and their values',
  },
  inflightBytesMax: {
    env: 'PLUMBLINE_INFLIGHT_BYTES_MAX',
    default: 256 * MIB,
    min: MIB,
    max: 65_536 * MIB,
    unit: 'bytes',
    about: 'requests being received and written at one time; beyond it senders are asked to retry',
  },
  connectionsMax: {
    env: 'PLUMBLINE_CONNECTIONS_MAX',
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    about: 'connections at one time, for each port but SQL; further ones are closed at once',
  },
  sqlConnectionsMax: {
    env: 'PLUMBLINE_SQL_CONNECTIONS_MAX',
    default: 500,
    min: 1,
    max: 1_000_000,
    unit: 'connections',
    about: 'connections to the SQL port at one time; further ones are closed at once',
  },
  headersTimeoutMs: {
    env: 'PLUMBLINE_HEADERS_TIMEOUT_MS',
    default: 15_000,
    ...WAIT,
    about: 'longest time for a TLS handshake, and for the head of an HTTP request to arrive',
  },
  requestTimeoutMs: {
    env: 'PLUMBLINE_REQUEST_TIMEOUT_MS',
    default: 120_000,
    min: 100,
    max: 3_600_000,
    unit: 'ms',
    about: 'longest time for a request to arrive as a whole; a slower sender is asked to retry',
  },
  bodyIdleMs: {
    env: 'PLUMBLINE_BODY_IDLE_MS',
    default: 15_000,
    ...WAIT,
    about: 'longest pause within a request that is arriving',
  },
  grpcStreamsMax: {
    env: 'PLUMBLINE_GRPC_STREAMS_MAX',
    default: 1_000,
    min: 1,
    max: 1_000_000,
    unit: 'calls',
    about: 'calls at one time on one gRPC connection; further ones wait at their client',
  },
  grpcConnectionIdleMs: {
    env: 'PLUMBLINE_GRPC_CONNECTION_IDLE_MS',
    default: 0,
    min: 0,
    max: 86_400_000,
    unit: 'ms',
    about: 'how long a gRPC connection without calls is kept (max_connection_idle); 0 = for ever',
  },
  grpcConnectionAgeMs: {
    env: 'PLUMBLINE_GRPC_CONNECTION_AGE_MS',
    default: 0,
    min: 0,
    max: 86_400_000,
    unit: 'ms',
    about: 'age at which a gRPC client is asked to connect anew (max_connection_age); 0 = never',
  },
  spoolBytesMax: {
    env: 'PLUMBLINE_SPOOL_BYTES_MAX',
    default: 4096 * MIB,
    min: MIB,
    max: 1_048_576 * MIB,
    unit: 'bytes',
    about: 'accepted points kept on disk while ClickHouse is away; beyond it senders are asked to retry',
  },
  diskFreeBytesMin: {
    env: 'PLUMBLINE_DISK_FREE_BYTES_MIN',
    default: 64 * MIB,
    min: 0,
    max: 1_048_576 * MIB,
    unit: 'bytes',
    about:
      'room that is kept free on the disk of the data directory (of a small one a twentieth); below it senders are asked to retry',
  },
  spoolSegmentBytesMax: {
    env: 'PLUMBLINE_SPOOL_SEGMENT_BYTES_MAX',
    default: 32 * MIB,
    min: 65_536,
    max: 1024 * MIB,
    unit: 'bytes',
    about: 'size at which a spool segment is closed; one insert per segment and table',
  },
  groupCommitMs: {
    env: 'PLUMBLINE_GROUP_COMMIT_MS',
    default: 5,
    min: 0,
    max: 1000,
    unit: 'ms',
    about: 'how long a request waits for others to share its fsync',
  },
  drainIntervalMs: {
    env: 'PLUMBLINE_DRAIN_INTERVAL_MS',
    default: 0,
    min: 0,
    max: 60_000,
    unit: 'ms',
    about: 'longest wait of points in the spool; 0 = 15 s with the embedded engine, 1 s with a server',
  },
  flushWaitMs: {
    env: 'PLUMBLINE_FLUSH_WAIT_MS',
    default: 2_000,
    min: 0,
    max: 60_000,
    unit: 'ms',
    about: 'longest wait of a question until the points before it are stored (embedded mode)',
  },
  rollupDelayMs: {
    env: 'PLUMBLINE_ROLLUP_DELAY_MS',
    default: 2_000,
    min: 0,
    max: 600_000,
    unit: 'ms',
    about: 'how long after its end a minute is rolled up; later points roll it up again',
  },
  pointFutureMaxMs: {
    env: 'PLUMBLINE_POINT_FUTURE_MAX_MS',
    default: DAY_MS,
    min: 0,
    max: 3_650 * DAY_MS,
    unit: 'ms',
    about: 'how far ahead of the clock a point may be before it is rejected',
  },
  pointAgeMaxMs: {
    env: 'PLUMBLINE_POINT_AGE_MAX_MS',
    default: 400 * DAY_MS,
    min: 60_000,
    max: 36_500 * DAY_MS,
    unit: 'ms',
    about: 'how old a point may be before it is rejected',
  },
  attributeDepthMax: {
    env: 'PLUMBLINE_ATTRIBUTE_DEPTH_MAX',
    default: 16,
    min: 0,
    max: 64,
    unit: 'levels',
    about: 'nesting of attribute values before a point is rejected',
  },
  attributesBytesMax: {
    env: 'PLUMBLINE_ATTRIBUTES_BYTES_MAX',
    default: 65_536,
    min: 256,
    max: 16 * MIB,
    unit: 'bytes',
    about:
      'resource, scope, metric header and attributes of one series, together, before its points are rejected',
  },
  seriesPerMetricMax: {
    env: 'PLUMBLINE_SERIES_PER_METRIC_MAX',
    default: 1_000_000,
    ...SERIES,
    about: 'active series of one metric name; new ones beyond it fold into overflow series; 0 = unlimited',
  },
  seriesPerServiceMax: {
    env: 'PLUMBLINE_SERIES_PER_SERVICE_MAX',
    default: 2_000_000,
    ...SERIES,
    about: 'active series of one service.name; 0 = unlimited',
  },
  seriesMax: {
    env: 'PLUMBLINE_SERIES_MAX',
    default: 3_000_000,
    ...SERIES,
    about: 'active series in all; 0 = unlimited',
  },
  seriesActiveMs: {
    env: 'PLUMBLINE_SERIES_ACTIVE_MS',
    default: 3_600_000,
    min: 1_200_000,
    max: 30 * DAY_MS,
    unit: 'ms',
    about: 'a series without a point for this long gives its place in the budgets back',
  },
  tlsCertFile: {
    env: 'PLUMBLINE_TLS_CERT_FILE',
    default: '',
    about: 'certificate chain in PEM: both OTLP ports speak TLS; read again when it changes',
  },
  tlsKeyFile: { env: 'PLUMBLINE_TLS_KEY_FILE', default: '', about: 'its private key in PEM' },
  tlsClientCaFile: {
    env: 'PLUMBLINE_TLS_CLIENT_CA_FILE',
    default: '',
    about: 'authorities in PEM: senders must show a certificate of theirs',
  },
  authTokens: {
    env: 'PLUMBLINE_AUTH_TOKENS',
    default: '',
    isSecret: true,
    about: 'bearer tokens, comma separated: senders must show one (role ingest)',
  },
  authTokensFile: {
    env: 'PLUMBLINE_AUTH_TOKENS_FILE',
    default: '',
    about: 'a file of further tokens, one a line; read again when it changes',
  },
  readTokens: {
    env: 'PLUMBLINE_READ_TOKENS',
    default: '',
    isSecret: true,
    about: 'tokens of the role read, comma separated: the SQL port and the web port ask for one',
  },
  readTokensFile: {
    env: 'PLUMBLINE_READ_TOKENS_FILE',
    default: '',
    about: 'a file of further ones, one a line; read again when it changes',
  },
  adminTokens: {
    env: 'PLUMBLINE_ADMIN_TOKENS',
    default: '',
    isSecret: true,
    about: 'tokens of the role admin, comma separated: they read, and change the retention',
  },
  adminTokensFile: {
    env: 'PLUMBLINE_ADMIN_TOKENS_FILE',
    default: '',
    about: 'a file of further ones, one a line; read again when it changes',
  },
  token: {
    env: 'PLUMBLINE_TOKEN',
    default: '',
    isSecret: true,
    about: 'the read or admin token that commands such as plumbline sql show to a running server',
  },
  insecurePorts: {
    env: 'PLUMBLINE_INSECURE',
    default: '',
    about:
      'ports that other machines may reach without a token, comma separated: grpc, http, sql, web; all others do not start so',
  },
  allowedHosts: {
    env: 'PLUMBLINE_ALLOWED_HOSTS',
    default: '',
    about:
      'names of the SQL port and the web port where they ask for no token, comma separated, besides localhost and their address',
  },
  allowedOrigins: {
    env: 'PLUMBLINE_ALLOWED_ORIGINS',
    default: '',
    about: 'origins whose pages may ask the SQL port and the web port, comma separated',
  },
  corsOrigins: {
    env: 'PLUMBLINE_CORS_ORIGINS',
    default: '',
    about: 'origins whose pages may send over HTTP, comma separated; * = any, without credentials',
  },
  corsHeaders: {
    env: 'PLUMBLINE_CORS_HEADERS',
    default: '',
    about: 'headers they may send besides Content-Type, Content-Encoding and Authorization',
  },
  reloadMs: {
    env: 'PLUMBLINE_RELOAD_MS',
    default: 2_000,
    min: 10,
    max: 3_600_000,
    unit: 'ms',
    about: 'how often files of certificates and tokens are looked at for changes; SIGHUP does it at once',
  },
  shutdownMs: {
    env: 'PLUMBLINE_SHUTDOWN_MS',
    default: 15_000,
    ...WAIT,
    about: 'time to finish after SIGTERM; what is left stays in the spool for the next start',
  },
  selfMetricsIntervalMs: {
    env: 'PLUMBLINE_SELF_METRICS_INTERVAL_MS',
    default: 10_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    about: 'how often Plumbline measures itself and records it; 0 = never',
  },
  taxonomyFile: {
    env: 'PLUMBLINE_TAXONOMY',
    default: '',
    about: 'a taxonomy.yaml of your own instead of catalogue/taxonomy.yaml',
  },
  catalogueFolder: {
    env: 'PLUMBLINE_CATALOGUE',
    default: '',
    about: 'a folder with kpis/*.yaml of your own, over those of catalogue/kpis',
  },
  catalogueBuiltIn: {
    env: 'PLUMBLINE_CATALOGUE_BUILT_IN',
    default: 'true',
    oneOf: ['true', 'false'],
    about: 'whether the built-in KPIs are there too; false = only those of PLUMBLINE_CATALOGUE',
  },
  logLevel: {
    env: 'PLUMBLINE_LOG_LEVEL',
    default: 'info',
    oneOf: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    about: 'what is logged (JSON lines on stderr)',
  },
} as const satisfies Record<string, NumberSetting | TextSetting>;
