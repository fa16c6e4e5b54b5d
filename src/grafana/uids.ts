/**
 * Identities of what is rendered: dashboards, alert rules, contact points. Enters: names of the catalogue; leaves: uids that
 * stay the same for as long as the name does, within Grafana's 40 characters of [A-Za-z0-9_-]. Reads nothing.
 */
import { createHash } from 'node:crypto';

const UID_LENGTH_MAX = 40;
const DIGEST_LENGTH = 8;

export const DATASOURCE_UID = 'clickhouse';
export const FOLDER_UID = 'plumbline';
export const FOLDER_TITLE = 'Plumbline';

/** `plumbline-<parts joined by ->`: dashboardUid('kpi', 'error_rate') is plumbline-kpi-error-rate. */
export function dashboardUid(...parts: string[]): string {
  return shorten(['plumbline', ...parts].join('-'));
}

/** `kpi-<name>-<alert>`: ruleUid('error_rate', 'high_error_rate') is kpi-error-rate-high-error-rate. */
export function ruleUid(...parts: string[]): string {
  return shorten(['kpi', ...parts].join('-'));
}

/** `contact-<name>-<kind of receiver>`. */
export function contactUid(...parts: string[]): string {
  return shorten(['contact', ...parts].join('-'));
}

/** Longer names end in a digest of the whole, so that two that begin alike stay two. */
function shorten(name: string): string {
  const uid = name.replaceAll(/[^A-Za-z0-9-]+/g, '-');
  if (uid.length <= UID_LENGTH_MAX) return uid;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, DIGEST_LENGTH);
  return `${uid.slice(0, UID_LENGTH_MAX - DIGEST_LENGTH - 1)}-${digest}`;
}
