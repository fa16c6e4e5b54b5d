/**
 * Colours by the thresholds of a KPI, whichever way it counts. Enters: a Kpi; leaves: steps as Grafana has them (a colour from a
 * value upwards). Named colours of Grafana's palette, which it shades for dark and light.
 */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type FieldColor,
  FieldColorModeId,
  type Threshold,
  type ThresholdsConfig,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { Kpi } from '../../model/kpi.js';

export const GOOD = 'green';
export const WARNING = 'orange';
export const CRITICAL = 'red';
export const NEUTRAL = 'blue';
export const UNKNOWN = 'gray';

export function thresholds(
  first: string,
  ...steps: [value: number, color: string][]
): Builder<ThresholdsConfig> {
  const all: Threshold[] = [
    { value: null, color: first },
    ...steps.map(([value, color]) => ({ value, color })),
  ];
  return { build: () => ({ mode: ThresholdsMode.Absolute, steps: all }) };
}

/** Colours are those of the status: a missed target is a warning. */
export function kpiThresholds(kpi: Kpi): Builder<ThresholdsConfig> {
  return kpi.direction === 'lower_is_better' ? ofLower(kpi) : ofHigher(kpi);
}

function ofLower({ target, warning, critical }: Kpi): Builder<ThresholdsConfig> {
  const warned = Math.min(target ?? Number.POSITIVE_INFINITY, warning ?? Number.POSITIVE_INFINITY);
  const steps: [number, string][] = [];
  if (Number.isFinite(warned) && warned < (critical ?? Number.POSITIVE_INFINITY))
    steps.push([warned, WARNING]);
  if (critical !== undefined) steps.push([critical, CRITICAL]);
  return thresholds(steps.length === 0 ? NEUTRAL : GOOD, ...steps);
}

function ofHigher({ target, warning, critical }: Kpi): Builder<ThresholdsConfig> {
  const good = Math.max(target ?? Number.NEGATIVE_INFINITY, warning ?? Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(good))
    return critical === undefined ? thresholds(NEUTRAL) : thresholds(CRITICAL, [critical, GOOD]);
  if (critical === undefined) return thresholds(WARNING, [good, GOOD]);
  if (critical >= good) return thresholds(CRITICAL, [critical, GOOD]);
  return thresholds(CRITICAL, [critical, WARNING], [good, GOOD]);
}

export function colorByThresholds(): Builder<FieldColor> {
  return { build: () => ({ mode: FieldColorModeId.Thresholds }) };
}

export function fixedColor(color: string): Builder<FieldColor> {
  return { build: () => ({ mode: FieldColorModeId.Fixed, fixedColor: color }) };
}

export function paletteByName(): Builder<FieldColor> {
  return { build: () => ({ mode: FieldColorModeId.PaletteClassicByName }) };
}
