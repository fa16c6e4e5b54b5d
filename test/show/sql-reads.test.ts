/** The SQL port stores what was acknowledged before a question that may read it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mayReadPoints } from '../../src/show/sql-reads.js';
import { openSqlFixture, type SqlFixture } from './sql-fixture.js';

let fixture: SqlFixture;
beforeAll(async () => {
  fixture = await openSqlFixture();
});
afterAll(() => fixture.close());

describe('a statement that may read points', () => {
  it.each([
    'SELECT count() FROM number_points',
    "select * from\n/* x */ `series` where name = 'a'",
    'FROM number_points SELECT count()',
    'SELECT 1 FROM system.one JOIN plumbline.series ON 1',
    'SELECT 1 WHERE 1 IN plumbline.number_points',
    'SELECT * FROM {table:Identifier}',
    'SELECT * FROM /* */ system.tables',
    'SELECT * FROM numbers_of_ours',
  ])('%s', (sql) => {
    expect(mayReadPoints(sql)).toBe(true);
  });
  it.each([
    'SELECT 1',
    'SELECT version(), timezone()',
    'SELECT name FROM system.tables',
    'select * from information_schema . columns',
    'SELECT number FROM numbers(10)',
    'SHOW TABLES',
    'SELECT fromUnixTimestamp(1) AS joined, interval',
  ])('is not: %s', (sql) => {
    expect(mayReadPoints(sql)).toBe(false);
  });
});

it('an answer says where what was acknowledged is still being stored', async () => {
  let asked = 0;
  const flush = async () => ++asked > 1;
  const port = await fixture.openPort({ flush });
  const header = async (sql: string) => (await port.ask(sql)).headers.get('x-plumbline-behind');
  expect(await header('SELECT 1')).toBe(null);
  expect(asked).toBe(0);
  expect(await header('SELECT * FROM (SELECT 1)')).toMatch(/still being stored/);
  expect(await header('SELECT * FROM (SELECT 1)')).toBe(null);
});
