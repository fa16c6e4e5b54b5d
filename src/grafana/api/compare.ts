/**
 * Two JSON values → where they differ, as paths. What one has and the other leaves out does not count where it says nothing
 * (null, '', false, 0, empty). Members of lists are told by their id, uid, refId or name where all have one, else by place.
 */
import { REDACTED } from './resources.js';

export interface Difference {
  /** `panels[id=3].fieldConfig.defaults.unit` */
  path: string;
  /** As the catalogue has it; undefined: it does not have it. */
  wanted?: unknown;
  /** As Grafana has it. */
  found?: unknown;
}

const IDENTITIES = ['uid', 'id', 'refId', 'name'] as const;

export function compare(wanted: unknown, found: unknown, path = ''): Difference[] {
  if (found === REDACTED) return [];
  if (saysNothing(wanted) && saysNothing(found)) return [];
  if (Array.isArray(wanted) && Array.isArray(found)) return compareLists(wanted, found, path);
  if (isObject(wanted) && isObject(found)) {
    const keys = [...new Set([...Object.keys(wanted), ...Object.keys(found)])].sort();
    return keys.flatMap((key) => compare(wanted[key], found[key], path === '' ? key : `${path}.${key}`));
  }
  return Object.is(wanted, found)
    ? []
    : [{ path, ...(wanted !== undefined && { wanted }), ...(found !== undefined && { found }) }];
}

function compareLists(wanted: readonly unknown[], found: readonly unknown[], path: string): Difference[] {
  const identity = IDENTITIES.find((key) => isIdentity(key, wanted) && isIdentity(key, found));
  if (identity === undefined) {
    const length = Math.max(wanted.length, found.length);
    return Array.from({ length }, (_, i) => compare(wanted[i], found[i], `${path}[${i}]`)).flat();
  }
  const idOf = (member: unknown) => (member as Record<string, unknown>)[identity];
  const ids = [...new Set([...wanted, ...found].map(idOf))];
  return ids.flatMap((id) => {
    const [one, other] = [wanted, found].map((list) => list.find((member) => idOf(member) === id));
    return compare(one, other, `${path}[${identity}=${id}]`);
  });
}

function isIdentity(key: string, list: readonly unknown[]): boolean {
  const ids = list.map((member) => (isObject(member) ? member[key] : undefined));
  return (
    list.length > 0 && ids.every((id) => id !== undefined && id !== null) && new Set(ids).size === ids.length
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function saysNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.values(value).every(saysNothing);
}
