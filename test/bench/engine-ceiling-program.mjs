/** See engine-ceiling.ts. Plain JavaScript: it must run without a loader, whose CPU would be counted. */
import { Session } from 'chdb';

const [directory, file, createTable] = process.argv.slice(2);
const session = new Session(directory);
session.query(createTable);
const cpuBefore = process.cpuUsage();
const startedMs = performance.now();
await session.queryAsync(
  `INSERT INTO ceiling FROM INFILE '${file}' SETTINGS optimize_on_insert = 0 FORMAT Native`,
);
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(
  JSON.stringify({ cpuS: (user + system) / 1e6, wallS: (performance.now() - startedMs) / 1000 }),
);
session.close();
process.exit(0);
