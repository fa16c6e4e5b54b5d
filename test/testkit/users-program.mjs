/**
 * What the engine makes of a file of users. Run as a program: <directory> <users.xml> prints its users, grants and profiles as
 * JSON; with the name of a user behind them, what happens to some statements that this user runs; with a file of statements
 * (a JSON array) behind that, those are run in the database plumbline first, and must be allowed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'chdb';

const [directory, file, user, statements] = process.argv.slice(2);
const users = readFileSync(file, 'utf8')
  // The embedded engine does not read settings_constraints_replace_previous, without which this is refused.
  .replace('<changeable_in_readonly/>', '')
  // As on a server, where the file is laid over the one that ClickHouse comes with.
  .replace('<profiles>', '<quotas><default></default></quotas><profiles><default></default>');
// The engine has one user that can be signed in as: it gets the rights of the one that is asked about.
const anybody = '<no_password/><networks><ip>::/0</ip></networks>';
const whole = `${anybody}<profile>default</profile><quota>default</quota><access_management>1</access_management>`;
const chosen = new RegExp(`<${user}>(.*?)</${user}>`, 's').exec(users.split('<users>')[1])?.[1];
const signedIn =
  chosen?.replace(/<password [^>]*>/, '').replace(/<networks.*<\/networks>/s, anybody) ?? whole;
const others = users.replace(/<default>\s*<networks replace.*?<\/default>/s, '');
writeFileSync(`${directory}/users.xml`, others.replace('<users>', `<users><default>${signedIn}</default>`));
writeFileSync(
  `${directory}/config.xml`,
  `<clickhouse><users_config>${directory}/users.xml</users_config></clickhouse>`,
);
const session = new Session(`${directory}/users-data`, {
  connectionArgs: [`--config-file=${directory}/config.xml`],
});
const run = (sql) => session.queryAsync(sql, { format: 'JSON' });
const read = async (sql) => JSON.parse(Buffer.from((await run(sql)).bytes()).toString()).data;

async function describeUsers() {
  for (const sql of [
    'CREATE DATABASE plumbline',
    'CREATE DATABASE other',
    'CREATE TABLE plumbline.points (a UInt8) ENGINE = MergeTree ORDER BY a',
    'CREATE TABLE other.points (a UInt8) ENGINE = MergeTree ORDER BY a',
  ])
    await run(sql);
  return {
    users: await read('SELECT name, toString(auth_type) AS auth, host_ip, host_names FROM system.users'),
    grants: await read(
      "SELECT user_name AS user, access_type AS right, ifNull(database, '*') AS database, ifNull(table, '*') AS table FROM system.grants WHERE user_name IS NOT NULL",
    ),
    profiles: await read(
      'SELECT profile_name AS profile, setting_name AS setting, value, min, max FROM system.settings_profile_elements WHERE profile_name IS NOT NULL',
    ),
  };
}

async function tryStatements() {
  if (statements !== undefined) {
    await run('CREATE DATABASE IF NOT EXISTS plumbline');
    await run('USE plumbline');
    for (const sql of JSON.parse(readFileSync(statements, 'utf8'))) await run(sql);
  }
  const results = {};
  for (const sql of [
    'SELECT count() FROM plumbline.points',
    'SELECT count() FROM other.points',
    'SELECT count() FROM system.tables',
    'SELECT count() FROM system.users',
    'SELECT 1 SETTINGS max_execution_time = 3000',
    'SELECT 1 SETTINGS max_memory_usage = 1',
    'INSERT INTO plumbline.points SELECT 1',
    'CREATE TABLE plumbline.more (a UInt8) ENGINE = MergeTree ORDER BY a',
    'ALTER TABLE plumbline.points MODIFY TTL toDate(a) + 1',
    'ALTER TABLE plumbline.points DELETE WHERE a = 1',
    'CREATE OR REPLACE VIEW plumbline.view AS SELECT 1',
    'DROP VIEW plumbline.view',
    'DROP DATABASE plumbline',
    'CREATE USER eve',
    "SELECT * FROM file('/etc/passwd', LineAsString)",
    "SELECT * FROM url('http://127.0.0.1:9/', LineAsString)",
  ]) {
    results[sql] = await run(sql).then(
      () => 'ok',
      (error) => /\(([A-Z_]+)\)\s*$/.exec(error.message)?.[1] ?? error.message,
    );
  }
  return results;
}

console.log(JSON.stringify(user === undefined ? await describeUsers() : await tryStatements()));
session.close();
