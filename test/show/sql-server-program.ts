/** A SQL port in a process of its own, so that its memory can be measured: prints its port, ends with SIGTERM. */
import { createSqlEndpoint } from '../../src/show/sql-endpoint.js';
import { openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';

const directory = process.argv[2]!;
const clickhouse = await openEmbeddedClickHouse({
  directory: `${directory}/data`,
  database: 'plumbline',
  temporaryDirectory: `${directory}/temporary`,
});
const endpoint = createSqlEndpoint({ host: '127.0.0.1', port: 0, clickhouse, readOnly: true });
await endpoint.start();
process.once('SIGTERM', async () => {
  await endpoint.shutdown(1000);
  await clickhouse.close();
});
console.log(`port ${endpoint.address().port}`);
