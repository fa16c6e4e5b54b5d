/**
 * The two small files that Grafana reads first: where ClickHouse is, and where the dashboards are. Enters: the database's name;
 * leaves: YAML. Passwords and addresses are names of environment variables, which Grafana puts in.
 */
import { stringify } from 'yaml';
import { DATASOURCE_TYPE } from './clickhouse-query.js';
import type { GrafanaOptions } from './grafana-options.js';
import { DATASOURCE_UID, FOLDER_TITLE, FOLDER_UID } from './uids.js';

/** Where the dashboards are inside Grafana's container. */
const DASHBOARDS_PATH = '/var/lib/grafana/dashboards';
const RELOAD_S = 30;

export function yamlFile(comment: string, content: unknown): string {
  return `# ${comment}\n${stringify(content, { lineWidth: 0 })}`;
}

export function renderDatasource({ database }: GrafanaOptions): string {
  return yamlFile('ClickHouse, read by a user who may only read. Written by "plumbline grafana render".', {
    apiVersion: 1,
    prune: true,
    datasources: [
      {
        name: 'ClickHouse',
        uid: DATASOURCE_UID,
        type: DATASOURCE_TYPE,
        access: 'proxy',
        editable: false,
        jsonData: {
          host: '$CLICKHOUSE_HOST',
          port: '$CLICKHOUSE_PORT',
          protocol: 'http',
          secure: false,
          username: 'grafana_ro',
          defaultDatabase: database,
          dialTimeout: '10',
          queryTimeout: '60',
        },
        secureJsonData: { password: '$CLICKHOUSE_GRAFANA_PASSWORD' },
      },
    ],
  });
}

export function renderDashboardProvider(): string {
  return yamlFile('The dashboards of ../../dashboards. Written by "plumbline grafana render".', {
    apiVersion: 1,
    providers: [
      {
        name: 'plumbline',
        orgId: 1,
        folder: FOLDER_TITLE,
        folderUid: FOLDER_UID,
        type: 'file',
        disableDeletion: false,
        updateIntervalSeconds: RELOAD_S,
        allowUiUpdates: false,
        options: { path: DASHBOARDS_PATH },
      },
    ],
  });
}
