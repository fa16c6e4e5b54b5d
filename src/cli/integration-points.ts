/**
 * docs/integration-points.md: for every KPI which metrics measure it, where they come from and which call of the recorder
 * library records them. Enters: KPIs and the categories of the taxonomy; leaves: Markdown. Written by
 * `npm run docs:integration`, never by hand.
 */
import type { Category } from '../classify/taxonomy.js';
import { placeTerms } from '../kpi/kpi-terms.js';
import type { Kpi, Selector } from '../model/kpi.js';
import { describeWantedMetric } from './coverage-report.js';

const INTRODUCTION = `# Integration points

Which metrics measure each KPI, where they come from, and which call of the [recorder library](client.md) records them.
Generated from \`catalogue/kpis/\` by \`npm run docs:integration\`. \`plumbline coverage\` says which of them arrive
([docs/coverage.md](coverage.md)).

Of a KPI's sources the first that has data counts, so one of them is enough; a *fallback* counts for services that none of the others
has data of. *Counter*, *gauge* and *histogram* are
OpenTelemetry instruments; a unit in the same dimension is converted (\`ms\` to \`s\`), one in another is not used.
*any*: it is counted, whatever its unit.
`;

const HEADER = ['source', 'metric', 'as', 'unit', 'recorder library', 'comes by itself from'];

export function renderIntegrationPoints(kpis: readonly Kpi[], categories: readonly Category[]): string {
  const sections = categories.flatMap((category) =>
    category.subcategories.map((subcategory) => {
      const own = kpis.filter((kpi) => kpi.subcategory === subcategory.id);
      if (own.length === 0) return '';
      return `## ${category.title}: ${subcategory.title}\n\n${own.map(renderKpi).join('\n')}`;
    }),
  );
  return [INTRODUCTION, ...sections.filter((text) => text !== '')].join('\n');
}

function renderKpi(kpi: Kpi): string {
  const rows = placeTerms(kpi).flatMap((placed) =>
    placed.term.selectors.map((selector) => {
      const { instrument, unit, recorders, instrumentation } = describeWantedMetric(
        kpi,
        placed,
        selector.metric,
      );
      const role = placed.role === 'of' ? '' : `, ${placed.role}`;
      return [
        `${placed.source.name}${role}${placed.source.isFallback ? ' (fallback)' : ''}`,
        `\`${selector.metric}\`${describeConditions(selector)}`,
        instrument,
        unit === 'any' ? 'any' : `\`${unit}\``,
        recorders.map((call) => `\`${call}\``).join(', '),
        instrumentation,
      ];
    }),
  );
  const table = [HEADER, HEADER.map(() => '---'), ...rows].map(tableLine);
  return `### ${kpi.title}\n\n${kpi.description.trim()} \`${kpi.name}\`, in \`${kpi.unit}\`.\n\n${table.join('\n')}\n`;
}

function describeConditions({ where, whereNot }: Selector): string {
  const conditions = [
    ...Object.entries(where).map(([name, values]) =>
      values.length === 0 ? `no \`${name}\`` : `\`${name}\` is ${listValues(values)}`,
    ),
    ...Object.entries(whereNot).map(([name, values]) =>
      values.length === 0 ? `\`${name}\`` : `\`${name}\` is not ${listValues(values)}`,
    ),
  ];
  return conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
}

function listValues(values: readonly string[]): string {
  return values.map((value) => `\`${value}\``).join(' or ');
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
