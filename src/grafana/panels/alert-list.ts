/**
 * Grafana's own list of alert rules, which the SDK has no builder for. Enters: nothing; leaves: a panel of all rules of the
 * folder, the most urgent first.
 */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { FOLDER_TITLE, FOLDER_UID } from '../uids.js';

const BY_IMPORTANCE = 3;
const RULES_MAX = 200;

export function alertList(): Builder<Panel> {
  const options = {
    alertInstanceLabelFilter: '',
    alertName: '',
    dashboardAlerts: false,
    datasource: '',
    folder: { title: FOLDER_TITLE, uid: FOLDER_UID },
    groupBy: [],
    groupMode: 'default',
    maxItems: RULES_MAX,
    showInactiveAlerts: false,
    sortOrder: BY_IMPORTANCE,
    stateFilter: { error: true, firing: true, noData: true, normal: true, pending: true, recovering: true },
    viewMode: 'list',
  };
  return { build: () => ({ type: 'alertlist', options, fieldConfig: { defaults: {}, overrides: [] } }) };
}
