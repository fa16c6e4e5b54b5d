/**
 * A ClickHouse server for tests: the built SQL endpoint in front of an embedded engine. Run as a program:
 * <directory> <port> <read-only|read-write>; prints "listening <port>". Plain JavaScript, so that it starts without a loader.
 */
import { mkdirSync } from 'node:fs';
import { createSqlEndpoint } from '../../dist/show/sql-endpoint.js';
import { openEmbeddedClickHouse } from '../../dist/store/embedded-driver.js';

const [directory, port, access] = process.argv.slice(2);
const temporaryDirectory = `${directory}/tmp`;
mkdirSync(temporaryDirectory, { recursive: true });
const clickhouse = await openEmbeddedClickHouse({
  directory: `${directory}/clickhouse`,
  database: 'default',
  temporaryDirectory,
});
const endpoint = createSqlEndpoint({
  host: '127.0.0.1',
  port: Number(port),
  clickhouse,
  readOnly: access === 'read-only',
});
await endpoint.start();
await endpoint.open();
console.log(`listening ${endpoint.address().port}`);
process.once('SIGTERM', async () => {
  await endpoint.shutdown(2_000);
  await clickhouse.close();
  process.exit(0);
});
