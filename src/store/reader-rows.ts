/**
 * What readers see of the engine's own tables, as row policies of its one user. Sessions of Plumbline have a role and see every
 * row; sessions of readers have none (reading-sessions.ts). Rows are hidden, never columns, so that no question becomes an error.
 */

/** The role that Plumbline's own sessions have. */
export const OWN_ROLE = 'everything';

const NOTHING = '0';

/** A condition for each table of `system` whose rows readers do not all see. */
export const READER_ROWS: Readonly<Record<string, string>> = {
  // Tools list them as tables, and fail to read them: they have no columns until they have their parameters.
  tables: 'empty(parameterized_view_parameters)',
  // Statements of other readers, and Plumbline's own. The name is one that no statement can choose.
  processes: "Settings['log_comment'] = getSetting('log_comment')",
  // Texts of statements that failed, whoever sent them.
  errors: NOTHING,
  ...{ asynchronous_inserts: NOTHING, query_cache: NOTHING },
  // Files of the server.
  ...{ user_directories: NOTHING, remote_data_paths: NOTHING, schema_inference_cache: NOTHING },
  ...{ backups: NOTHING, certificates: NOTHING, named_collections: NOTHING },
  jemalloc_profile_text: NOTHING,
};

/** The policies, as an element of `databases` of the user in users.xml. */
export function readerRowsXml(): string {
  const filters = Object.entries(READER_ROWS).map(
    ([table, rows]) => `<${table}><filter>${rows} OR has(currentRoles(), '${OWN_ROLE}')</filter></${table}>`,
  );
  return `<system>${filters.join('')}</system>`;
}
