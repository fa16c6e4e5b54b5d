/**
 * A question to ClickHouse as a target of a panel: the datasource plugin's own fields around SQL. Enters: SQL and the shape of
 * its answer; leaves: what the dashboard builders take as a query.
 */
import { DATASOURCE_UID } from './uids.js';

export const DATASOURCE_TYPE = 'grafana-clickhouse-datasource';
export const DATASOURCE = { type: DATASOURCE_TYPE, uid: DATASOURCE_UID } as const;
const PLUGIN_VERSION = '4.20.0';

/** series: a time, numbers, and texts that become labels, by time. table: anything. */
export type AnswerShape = 'series' | 'table';

export interface ClickHouseTarget {
  refId: string;
  datasource: typeof DATASOURCE;
  editorType: 'sql';
  pluginVersion: string;
  queryType: 'timeseries' | 'table';
  format: 0 | 1;
  rawSql: string;
}

export function targetOf(rawSql: string, shape: AnswerShape, refId = 'A'): ClickHouseTarget {
  const isSeries = shape === 'series';
  return {
    refId,
    datasource: DATASOURCE,
    editorType: 'sql',
    pluginVersion: PLUGIN_VERSION,
    queryType: isSeries ? 'timeseries' : 'table',
    format: isSeries ? 0 : 1,
    rawSql,
  };
}
