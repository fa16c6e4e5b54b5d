/** What `plumbline serve` prints when it is ready: addresses, and what to do next. Reads and prints nothing itself. */
import { type Config, readConfig } from '../config.js';
import { describeLocalEndpoint } from '../demo/demo-options.js';
import { ownCommand } from '../model/own-command.js';

export interface BannerAddresses {
  grpc: string;
  http: string;
  sql: string;
  web: string;
}

export function describeReady(
  { grpc, http, sql, web }: BannerAddresses,
  version: string,
  config: Config,
  command = ownCommand(),
): string {
  const isEmbedded = config.clickhouseUrl === '';
  const sqlUrl = isEmbedded ? `http://${sql}` : sql;
  const scheme = config.tlsCertFile === '' ? 'http' : 'https';
  const exports = describeExports(`${scheme}://${http}`, config).map((line) => `  ${line}`);
  return `
Plumbline ${version} is ready.

  OTLP gRPC   ${scheme}://${grpc}
  OTLP HTTP   ${scheme}://${http}/v1/metrics
  SQL         ${sqlUrl}${isEmbedded ? '   (embedded ClickHouse, read-only)' : ''}
  Page        http://${web}${isReadingAsked(config) ? '   (asks for a token of the role read or admin)' : ''}

Next: point any OpenTelemetry exporter here,
${exports.join('\n')}
or let a demo service send real metrics, and ask for them:
  ${command} demo${describeEndpoint(scheme, http)}
  ${describeSqlCommand(command, sqlUrl, config)} "SELECT category, count() FROM performance_metrics GROUP BY category"
`;
}

/** Whether SQL port and page ask for a token. */
function isReadingAsked({ readTokens, readTokensFile, adminTokens, adminTokensFile }: Config): boolean {
  return [readTokens, readTokensFile, adminTokens, adminTokensFile].some((value) => value !== '');
}

/** The standard variables; without the protocol some SDKs (Python's, for one) speak gRPC to the HTTP port. */
function describeExports(endpoint: string, config: Config): string[] {
  const lines = [
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`,
    'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
  ];
  if (config.authTokens !== '' || config.authTokensFile !== '') {
    lines.push('export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20TOKEN"   # TOKEN: one of yours');
  }
  if (config.tlsCertFile !== '') {
    lines.push(
      `export OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem   # of the authority that signed ${config.tlsCertFile}`,
    );
  }
  if (config.tlsClientCaFile !== '') {
    lines.push(
      'export OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=client.pem OTEL_EXPORTER_OTLP_CLIENT_KEY=client-key.pem' +
        `   # signed by ${config.tlsClientCaFile}`,
    );
  }
  return lines;
}

/** What commands in another shell, without the settings of this one, have to be told. */
const DEFAULTS = readConfig({});

function describeEndpoint(scheme: string, http: string): string {
  const endpoint = describeAddress(scheme, http);
  return endpoint === describeLocalEndpoint(DEFAULTS.host, DEFAULTS.httpPort)
    ? ''
    : ` --endpoint ${endpoint}`;
}

function describeSqlCommand(command: string, sqlUrl: string, config: Config): string {
  const isEmbedded = config.clickhouseUrl === '';
  const url = isEmbedded ? describeAddress('http', sqlUrl.replace('http://', '')) : sqlUrl;
  const isDefault = url === describeLocalEndpoint(DEFAULTS.host, DEFAULTS.sqlPort);
  const settings = [
    config.clickhouseUser === DEFAULTS.clickhouseUser ? [] : [`CLICKHOUSE_USER=${config.clickhouseUser}`],
    config.clickhousePassword === '' ? [] : ['CLICKHOUSE_PASSWORD=PASSWORD'],
    config.clickhouseDatabase === DEFAULTS.clickhouseDatabase
      ? []
      : [`CLICKHOUSE_DATABASE=${config.clickhouseDatabase}`],
    isEmbedded && isReadingAsked(config) ? ['PLUMBLINE_TOKEN=TOKEN'] : [],
  ].flat();
  return [...settings, command, 'sql', ...(isDefault ? [] : ['--url', url])].join(' ');
}

/** An address that can be called: one that listens on every interface does not say which. */
function describeAddress(scheme: string, address: string): string {
  const { hostname, port } = new URL(`http://${address}`);
  const local = describeLocalEndpoint(hostname.replace(/^\[(.*)\]$/, '$1'), Number(port || 80));
  return local.replace('http://', `${scheme}://`);
}
