/**
 * What a KPI's file says and what follows for a status, read and judged anew: windows, thresholds and the ladder of
 * docs/catalogue.md. Enters YAML files; leaves definitions and statuses. Uses nothing of what it is to check.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { TruthWindow } from './truth-windows.js';

export interface KpiFile {
  name: string;
  direction: 'lower_is_better' | 'higher_is_better';
  target?: number;
  warning?: number;
  critical?: number;
  window?: string;
  samples_min?: number;
  completeness_min?: number;
  stale_after?: string;
  sources: Record<string, unknown>[];
}

export function readKpiFiles(): Map<string, KpiFile> {
  const folder = new URL('../../catalogue/kpis/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  const kpis = files.map((name) => parse(readFileSync(new URL(name, folder), 'utf8')) as KpiFile);
  return new Map(kpis.map((kpi) => [kpi.name, kpi]));
}

const UNIT_S: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };

function readSeconds(text: string): number {
  return Number(text.slice(0, -1)) * UNIT_S[text.slice(-1)]!;
}

/** Minutes up to two hours, hours up to two days and for uptime, days beyond; begins with a whole one. */
export function windowOf({ window = '5m', sources }: KpiFile, endS: number): TruthWindow {
  const windowS = readSeconds(window);
  const isUptime = sources.some((source) => 'uptime' in source);
  const slotS = windowS <= 7_200 ? 60 : windowS <= 172_800 || isUptime ? 3_600 : 86_400;
  return { startS: endS - windowS - ((endS - windowS) % slotS), endS, slotS };
}

export interface Judged {
  value: number;
  samples: number;
  completeness: number;
  ageS: number;
}

export function judge(kpi: KpiFile, { value, samples, completeness, ageS }: Judged): string {
  const { target, warning, critical } = kpi;
  if (samples < (kpi.samples_min ?? 1)) return 'unknown';
  if (completeness < (kpi.completeness_min ?? 0.5)) return 'unknown';
  if (ageS > readSeconds(kpi.stale_after ?? '5m')) return 'unknown';
  // Turned round where more is better, so that more is worse.
  const sign = kpi.direction === 'lower_is_better' ? 1 : -1;
  const reaches = (threshold: number | undefined) =>
    threshold !== undefined && sign * value >= sign * threshold;
  if (reaches(critical)) return 'critical';
  if (reaches(warning)) return 'warning';
  return target !== undefined && sign * value > sign * target ? 'warning' : 'on_target';
}
