/**
 * Room for changes of the schema. The engine replaces the file that holds a table's definition, and where the disk is full
 * the new one is left empty: the table cannot be read again, and the directory not opened (chdb 3.4, ALTER and CREATE OR
 * REPLACE VIEW). So such statements are refused while there is next to no room.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import { readFreeSpace } from '../model/free-space.js';

/** Many times what the largest definition takes, bytes. */
const FREE_BYTES_MIN = 2 * 1024 * 1024;
const CHANGES_SCHEMA = /^\s*(CREATE|ALTER|ATTACH|DETACH|DROP|RENAME|EXCHANGE|TRUNCATE|UNDROP)\b/i;

/** @throws ClickHouseError 243 where the statement changes the schema and the file system of the directory is full. */
export async function checkSchemaRoom(sql: string, directory: string): Promise<void> {
  if (!CHANGES_SCHEMA.test(sql)) return;
  const found = await readFreeSpace(directory);
  if (found === undefined || found.freeBytes >= FREE_BYTES_MIN) return;
  throw new ClickHouseError(
    243,
    'NOT_ENOUGH_SPACE',
    `the disk is full: the schema is not changed while the file system of ${directory} has less than ${FREE_BYTES_MIN} bytes left`,
  );
}
