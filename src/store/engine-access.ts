/**
 * The access rights of the embedded engine and its defaults for fsync, as the two XML files it reads when it opens. The
 * engine signs every session in as `default`, so the rights to write and to read outside data hang on a role: a session
 * that does `SET ROLE NONE` keeps SELECT, SHOW and dictGet only, and the engine itself refuses everything else.
 * Settings that would make a query read files or be parsed as another language are frozen for every session.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fsyncXml } from './fsync-settings.js';

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

/** Further elements of the engine's configuration, as XML: of the server, and of its one user. */
export interface EngineXml {
  server?: string;
  user?: string;
}

function buildUsersXml({ user = '' }: EngineXml): string {
  const frozen = FROZEN_SETTINGS.map((name) => `<${name}><readonly/></${name}>`).join('');
  return `<clickhouse>
<profiles><default><constraints>${frozen}</constraints></default></profiles>
<quotas><default></default></quotas>
<roles><everything><grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants></everything></roles>
<users><default>
<no_password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>${user}
<grants><query>GRANT SELECT, SHOW, dictGet ON *.*</query><query>GRANT everything</query></grants>
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
    const configPath = join(directory, 'config.xml');
    const usersPath = join(directory, 'users.xml');
    await writeFile(usersPath, buildUsersXml(xml));
    await writeFile(
      configPath,
      `<clickhouse><users_config>${escapeXml(usersPath)}</users_config>${xml.server ?? ''}${fsyncXml()}</clickhouse>`,
    );
    return await open(configPath);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
