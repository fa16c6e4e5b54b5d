/**
 * The access rights of the embedded engine and its defaults for fsync, as the two XML files it reads when it opens. The
 * engine signs every session in as `default`, so the rights to write and to read outside data hang on a role: a session
 * that does `SET ROLE NONE` keeps SELECT, SHOW (lists of users and roles included) and dictGet only, and the engine itself refuses
 * everything else. Of its own tables such a session sees the rows of reader-rows.ts.
 * Settings that would make a query read files or be parsed as another language are frozen for every session.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nameDirectory } from './directory-name.js';
import { fsyncXml } from './fsync-settings.js';
import { OWN_ROLE, readerRowsXml } from './reader-rows.js';

/**
 * Each of these names a file to read or write, holds SQL that no inspection of the statement sees, talks to other
 * machines, or chooses another parser than the one that inspects. A second fence: allowed-settings.ts takes none of them.
 */
const FROZEN_SETTINGS = [
  'additional_result_filter',
  'allow_experimental_ai_functions',
  'allow_experimental_eval_table_function',
  'allow_experimental_parallel_reading_from_replicas',
  'allow_introspection_functions',
  'cluster_for_parallel_replicas',
  'dialect',
  'enable_parallel_replicas',
  'format_avro_schema_registry_url',
  'format_schema',
  'format_schema_source',
  'format_template_resultset',
  'format_template_row',
  'input_format_record_errors_file_path',
  'output_format_schema',
  'parallel_replicas_custom_key',
  'send_logs_level',
];

/** Further elements of the engine's configuration, as XML: of the server, and row policies of its one user by database. */
export interface EngineXml {
  server?: string;
  rowPolicies?: string;
}

function buildUsersXml({ rowPolicies = '' }: EngineXml): string {
  const frozen = FROZEN_SETTINGS.map((name) => `<${name}><readonly/></${name}>`).join('');
  return `<clickhouse>
<profiles><default><constraints>${frozen}</constraints></default></profiles>
<quotas><default></default></quotas>
<roles><${OWN_ROLE}><grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants></${OWN_ROLE}></roles>
<users><default>
<no_password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
<databases>${rowPolicies}${readerRowsXml()}</databases>
<grants><query>GRANT SELECT, SHOW, SHOW ACCESS, dictGet ON *.*</query><query>GRANT ${OWN_ROLE}</query></grants>
</default></users>
</clickhouse>`;
}

/** Write the files, hand the path of the main one to `open`, remove them: the engine reads them only while opening. */
export async function withAccessFiles<T>(
  temporaryDirectory: string,
  xml: EngineXml,
  open: (configPath: string) => Promise<T>,
): Promise<T> {
  try {
    return await withFilesIn(temporaryDirectory, xml, open);
  } catch (error) {
    // The disk of the data is full; what is on it can be read all the same.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return withFilesIn(tmpdir(), xml, open);
  }
}

async function withFilesIn<T>(
  parent: string,
  xml: EngineXml,
  open: (configPath: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(parent, 'engine-'));
  try {
    const named = await nameDirectory(directory);
    try {
      await writeFile(join(directory, 'users.xml'), buildUsersXml(xml));
      const users = `<users_config>${escapeXml(named.path)}/users.xml</users_config>`;
      const config = `<clickhouse>${users}${xml.server ?? ''}${fsyncXml()}</clickhouse>`;
      await writeFile(join(directory, 'config.xml'), config);
      return await open(`${named.path}/config.xml`);
    } finally {
      await named.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
