/**
 * OTLP requests that give a KPI a value, from its definition alone: what its first source reads, so that a new KPI is tested
 * without new code. Enters: a Kpi, a value in its unit, a name for the group; leaves: one message. Values are near what is
 * asked, not exact: projections depend on when the first point came.
 */
import { placeTerms } from '../../src/kpi/kpi-terms.js';
import type { Kpi, Selector, Term } from '../../src/model/kpi.js';
import { countsEvents } from '../../src/model/service-level.js';
import { parseUnit } from '../../src/model/unit.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { stringAttribute } from '../testkit/otlp-message.js';

export interface WantedValue {
  /** In the KPI's unit. */
  value: number;
  /** What every label of the group says. */
  group: string;
  /** The newest point is a little before. */
  endMs: number;
  /** Points, 15 s apart. */
  points?: number;
  /** Recorded values or events in each point. */
  weight?: number;
}

const STEP_MS = 15_000;
const POINTS = 16;
const WEIGHT = 100;
const DELTA = 1;

type Attributes = Record<string, string>;

interface Stream {
  selector: Selector;
  unit: string;
  attributes: Attributes;
  kind: 'gauge' | 'counter' | 'histogram';
  /** Of a gauge what it shows, of a counter its increase at each point, of a histogram the value of what was recorded. */
  value: number;
  /** How many values a histogram recorded at each point. */
  count: number;
}

/** Values that are bad by every threshold, and good by every one. Where events are counted: all bad, all good. */
export function extremesOf(kpi: Kpi): { bad: number; good: number } {
  const { direction, warning, critical, target, validMax } = kpi;
  const isLower = direction === 'lower_is_better';
  const limits = [warning, critical, target, ...kpi.alerts.map(({ threshold }) => threshold)].filter(
    (limit) => limit !== undefined,
  );
  const [least, most] = [Math.min(...limits), Math.max(...limits)];
  if (countsEvents(kpi.sources[0]!.formula)) {
    const all = 1 / parseUnit(kpi.unit).factor;
    return isLower ? { bad: all, good: 0 } : { bad: 0, good: all };
  }
  const above = (limit: number, wanted: number) =>
    validMax !== undefined && wanted > validMax ? (limit + validMax) / 2 : wanted;
  return isLower
    ? { bad: above(most, most * 2), good: least / 2 }
    : { bad: least / 2, good: above(most, most * 1.5) };
}

export function requestOf(kpi: Kpi, wanted: WantedValue): OtlpMessage {
  const points = wanted.points ?? POINTS;
  const metrics = listStreams(kpi, wanted, points)
    .filter(({ kind, value, count }) => kind === 'gauge' || (kind === 'histogram' ? count : value) > 0)
    .map((stream) => metricOf(stream, kpi, wanted, points));
  const resource = { attributes: [stringAttribute('service.name', wanted.group)] };
  return { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] };
}

function listStreams(kpi: Kpi, { value, weight = WEIGHT }: WantedValue, points: number): Stream[] {
  const source = kpi.sources[0]!;
  const placed = placeTerms(kpi).filter((term) => term.source === source);
  const { formula } = source;
  const share = value * parseUnit(kpi.unit).factor;
  const spanS = (points * STEP_MS) / 1000;
  const unitOf = (term: Term) => placed.find((each) => each.term === term)!.unit ?? '1';
  const stream = (term: Term, amount: number, count = weight): Stream =>
    streamOf(term, unitOf(term), amount, count);
  switch (formula.kind) {
    case 'average':
    case 'percentile':
    case 'last':
      return [stream(formula.of, value)];
    case 'uptime':
      return [{ ...stream(formula.of, value), kind: 'gauge' }];
    case 'sum':
      return [stream(formula.of, (value * spanS) / (formula.perS ?? spanS) / points)];
    case 'rate':
      return [stream(formula.of, (value * kpi.windowS) / formula.perS / points)];
    case 'ratio':
      return ratioStreams(formula, share, weight, unitOf);
    case 'weighted_score':
      return formula.parts.map(({ of, scale }) => stream(of, share * scale));
    case 'per_user_cost':
      return [stream(formula.cost, (value * 10 * spanS) / formula.perS / points), stream(formula.users, 10)];
    case 'roi':
      return [stream(formula.gain, (share + 1) * 10), stream(formula.cost, 10)];
  }
}

function ratioStreams(
  { numerator, denominator, complement }: { numerator: Term; denominator: Term; complement: boolean },
  share: number,
  weight: number,
  unitOf: (term: Term) => string,
): Stream[] {
  const part = (complement ? 1 - share : share) * weight;
  const above = streamOf(numerator, unitOf(numerator), part, part);
  const below = (term: Term, amount: number) => streamOf(term, unitOf(denominator), amount, amount);
  const [metric] = numerator.selectors.map((selector) => selector.metric);
  const shared = denominator.selectors.find((selector) => selector.metric === metric);
  if (shared === undefined) return [above, below(denominator, weight)];
  // The rest of what the numerator is a share of: the same metric, of another kind.
  const rest = below({ ...denominator, selectors: [shared] }, weight - part);
  return [above, { ...rest, attributes: attributesBeside(shared, numerator.selectors) }];
}

function streamOf(term: Term, unit: string, amount: number, count: number): Stream {
  const [selector] = term.selectors;
  const can = (shape: 'number' | 'histogram') =>
    selector!.shapes.length === 0 || selector!.shapes.includes(shape);
  const kind =
    term.measure === 'last'
      ? 'gauge'
      : term.measure === 'average'
        ? can('histogram')
          ? 'histogram'
          : 'gauge'
        : can('number')
          ? 'counter'
          : 'histogram';
  const isCounted = kind === 'histogram' && term.measure !== 'average';
  return {
    selector: selector!,
    unit,
    attributes: attributesOf(selector!),
    kind,
    value: isCounted ? 1 : amount,
    count: isCounted ? Math.round(amount) : count,
  };
}

/** A value for each attribute that a selector asks for: patterns with their * filled in. */
function attributesOf({ where }: Selector): Attributes {
  const given = Object.entries(where).filter(([, values]) => values.length > 0);
  return Object.fromEntries(given.map(([key, values]) => [key, fill(values[0]!)]));
}

/** Attributes that one selector takes and none of the others does. */
function attributesBeside(selector: Selector, others: readonly Selector[]): Attributes {
  const attributes = attributesOf(selector);
  for (const { where } of others)
    for (const [key, taken] of Object.entries(where)) {
      const free = (selector.where[key] ?? ['other']).find((value) => !taken.includes(value));
      if (free === undefined)
        throw new Error(`${selector.metric}: nothing is beside ${key} ${taken.join(', ')}`);
      attributes[key] = fill(free);
    }
  return attributes;
}

const fill = (pattern: string) => pattern.replaceAll('*', '00');

function metricOf(stream: Stream, kpi: Kpi, { group, endMs }: WantedValue, points: number): OtlpMessage {
  const labels = kpi.groupBy.map(({ attributes }) => attributes[0]!).filter((name) => name !== 'service');
  const all: Attributes = {
    ...Object.fromEntries(labels.map((name) => [name, group])),
    ...stream.attributes,
  };
  const attributes = Object.entries(all).map(([key, value]) => stringAttribute(key, value));
  const dataPoints = Array.from({ length: points }, (_, i) => {
    const timeMs = endMs - (points - i) * STEP_MS + STEP_MS / 2;
    const times = { startTimeUnixNano: nanos(timeMs - STEP_MS), timeUnixNano: nanos(timeMs) };
    return { attributes, ...times, ...pointOf(stream) };
  });
  const head = { name: stream.selector.metric, unit: stream.unit };
  if (stream.kind === 'gauge') return { ...head, gauge: { dataPoints } };
  const data = { dataPoints, aggregationTemporality: DELTA };
  return stream.kind === 'counter'
    ? { ...head, sum: { ...data, isMonotonic: true } }
    : { ...head, histogram: data };
}

/** All of a histogram's values are between bounds that are close together, so that its quantiles are near. */
function pointOf({ kind, value, count }: Stream): OtlpMessage {
  if (kind !== 'histogram') return { asDouble: value };
  return {
    count: BigInt(count),
    sum: count * value,
    explicitBounds: [value * 0.98, value * 1.02],
    bucketCounts: [0n, BigInt(count), 0n],
  };
}

function nanos(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n;
}
