/** Tables of `plumbline coverage` for a terminal. Enters: a report; leaves: text. */
import type { CoverageRow, KpiCoverage, UnclassifiedMetric, WantedMetric } from './coverage-report.js';
import { ageText, lines, note } from './kpi-texts.js';
import { type Column, clean, paint, renderTable, type Terminal } from './terminal-table.js';

const SERVICES_SHOWN_MAX = 3;

export interface CoverageView {
  nowMs: number;
  terminal: Terminal;
}

const FEEDS: readonly Column[] = [
  { title: 'KPI', isFlexible: true },
  { title: 'source', isFlexible: true },
  { title: 'term' },
  { title: 'metric', isFlexible: true },
  { title: 'series', align: 'right' },
  { title: 'services', leavesAs: 3 },
  { title: 'last seen', align: 'right', leavesAs: 2 },
  { title: 'rule', leavesAs: 1 },
];

const UNUSABLE: readonly Column[] = [
  { title: 'KPI', isFlexible: true },
  { title: 'metric', isFlexible: true },
  { title: 'series', align: 'right' },
  { title: 'services', isFlexible: true },
  { title: 'why', goesBelow: true },
];

const UNCLASSIFIED: readonly Column[] = [
  { title: 'metric', isFlexible: true },
  { title: 'type' },
  { title: 'unit' },
  { title: 'series', align: 'right' },
  { title: 'services', isFlexible: true },
  { title: 'last seen', align: 'right' },
];

export function showCoverage(coverage: readonly KpiCoverage[], view: CoverageView): string {
  const fed = coverage.filter(({ fedSources }) => fedSources.length > 0);
  const feeds = coverage.flatMap((one) => one.feeds);
  const unusable = coverage.flatMap((one) => one.unusable);
  const missing = coverage.filter(({ fedSources }) => fedSources.length === 0);
  return lines(
    `${fed.length} of ${coverage.length} KPIs have what they are measured by`,
    section(
      'What feeds them',
      feeds.length === 0
        ? []
        : renderTable(
            FEEDS,
            feeds.map((row) => feedCells(row, view)),
            view.terminal,
          ),
      view,
    ),
    section(
      'What is asked for and cannot be used',
      unusable.length === 0 ? [] : renderTable(UNUSABLE, unusable.map(unusableCells), view.terminal),
      view,
    ),
    section(
      'KPIs without data, and what would feed them',
      missing.flatMap((one) => missingLines(one, view)),
      view,
    ),
  );
}

function section(title: string, body: readonly string[], { terminal }: CoverageView): string[] {
  return body.length === 0 ? [] : ['', paint(title, 'bold', terminal), ...body];
}

function feedCells(row: CoverageRow, { nowMs }: CoverageView): string[] {
  return [
    row.kpi,
    row.source,
    row.term === 'of' ? '' : row.term,
    row.metric,
    String(row.series),
    listServices(row.services),
    age(row.lastSeenMs, nowMs),
    row.rules.map((rule) => rule || 'unclassified').join(', '),
  ];
}

function unusableCells(row: CoverageRow): string[] {
  return [row.kpi, row.metric, String(row.series), listServices(row.services), row.reason];
}

function missingLines({ kpi, wanted }: KpiCoverage, view: CoverageView): string[] {
  const sources = wanted.flatMap(({ source, metrics }, i) => {
    const [first, ...rest] = metrics.map(wantedText);
    const label = `${i === 0 ? '  ' : '  or '}${source}: `;
    const indent = ' '.repeat(label.length);
    return first === undefined ? [] : [label + first, ...rest.map((text) => indent + text)];
  });
  return [`${kpi.name}  ${note(clean(kpi.title), view.terminal)}`, ...sources];
}

function wantedText({
  term,
  metric,
  instrument,
  unit,
  recorders,
  instrumentation,
  reason,
}: WantedMetric): string {
  const role = term === 'of' ? '' : `${term} `;
  const from = [...recorders.slice(0, 1), ...(instrumentation === '' ? [] : [instrumentation])];
  const origin = from.length === 0 ? 'by code of your own' : `by ${from.join(', or ')}`;
  const why = reason === '' ? '' : ` (there: ${reason})`;
  return clean(`${role}${metric} (${instrument}, unit ${unit}) ${origin}${why}`);
}

export function showUnclassified(
  metrics: readonly UnclassifiedMetric[],
  total: number,
  view: CoverageView,
): string {
  const { terminal, nowMs } = view;
  if (metrics.length === 0) return lines('', 'Every metric is taken by a rule of the taxonomy');
  const rows = metrics.map((metric) => [
    metric.name,
    metric.type,
    metric.unit,
    String(metric.series),
    listServices(metric.services),
    age(metric.lastSeenMs, nowMs),
  ]);
  const suggestions = [...new Map(metrics.map((metric) => [metric.name, metric.suggestion])).values()];
  return lines(
    section(
      `Metrics that no rule of the taxonomy takes${total > metrics.length ? `, ${metrics.length} of ${total}` : ''}`,
      renderTable(UNCLASSIFIED, rows, terminal),
      view,
    ),
    '',
    paint('Rules for them, to be looked at and put at the top of rules in taxonomy.yaml', 'bold', terminal),
    suggestions.flatMap(({ why, yaml }) => [`  # ${clean(why)}`, ...yaml.trimEnd().split('\n').map(clean)]),
    '',
    note('A rule places series when they are next seen after a start.', terminal),
  );
}

function listServices(services: readonly string[]): string {
  const shown = services.slice(0, SERVICES_SHOWN_MAX).map((service) => service || '(none)');
  const rest = services.length - shown.length;
  return [...shown, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}

function age(seenMs: number | undefined, nowMs: number): string {
  return seenMs === undefined ? '' : ageText(Math.max(0, Math.round((nowMs - seenMs) / 1000)));
}
