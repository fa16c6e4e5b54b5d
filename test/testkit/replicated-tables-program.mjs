/**
 * Replicated tables on the embedded engine with a Keeper in memory. Run as a program: <directory> <file of statements, a JSON
 * array>; prints replicas and tables as JSON. It ends itself by a signal: the engine, which has no server's ports, would wait
 * for ever for its replicas to close.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { Session } from 'chdb';

const [directory, file] = process.argv.slice(2);
const server = '<shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>';
const config = `<clickhouse><tcp_port>9000</tcp_port><remote_servers><production>${server}</production></remote_servers>
<zookeeper><implementation>testkeeper</implementation></zookeeper>
<macros><shard>07</shard><replica>b</replica></macros></clickhouse>`;
writeFileSync(`${directory}/replicated.xml`, config);
const session = new Session(`${directory}/replicated`, {
  connectionArgs: [`--config-file=${directory}/replicated.xml`],
});
await session.queryAsync('CREATE DATABASE plumbline');
await session.queryAsync('USE plumbline');
for (const sql of JSON.parse(readFileSync(file, 'utf8'))) await session.queryAsync(sql);
const read = async (sql) => {
  const result = await session.queryAsync(sql, { format: 'JSON' });
  return JSON.parse(Buffer.from(result.bytes()).toString()).data;
};
const replicas = await read(
  'SELECT table, zookeeper_path AS path, replica_name AS replica FROM system.replicas',
);
const tables = await read(
  'SELECT name, engine, create_table_query AS statement FROM system.tables WHERE database = currentDatabase()',
);
writeSync(1, JSON.stringify({ replicas, tables }));
process.kill(process.pid, 'SIGKILL');
