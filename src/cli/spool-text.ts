/** What `plumbline spool inspect` prints. Enters: segments that were read; leaves: a table and what to do. */
import type { SegmentDamage } from '../model/spool.js';
import { type Column, renderTable, type Terminal } from './terminal-table.js';

export interface Inspected {
  name: string;
  place: 'spool' | 'quarantine';
  bytes: number;
  /** Points that can be read. */
  points: number;
  tornBytes: number;
  damage?: SegmentDamage;
  /** Why it cannot be read now, which says nothing of its content. */
  failure?: string;
}

const COLUMNS: readonly Column[] = [
  { title: 'segment' },
  { title: 'in' },
  { title: 'bytes', align: 'right' },
  { title: 'points', align: 'right' },
  { title: 'lost points', align: 'right' },
  { title: 'lost bytes', align: 'right' },
  { title: 'state', goesBelow: true },
];

export function showInspected(directory: string, segments: readonly Inspected[], terminal: Terminal): string {
  if (segments.length === 0) return `Nothing waits in ${directory}, and nothing is in quarantine.\n`;
  const rows = segments.map((segment) => {
    const { name, place, bytes, points, damage } = segment;
    return [
      name,
      place,
      String(bytes),
      String(points),
      damage === undefined ? '' : `≥ ${damage.pointsLostMin}`,
      damage === undefined ? '' : String(damage.bytesLost),
      describeState(segment),
    ];
  });
  const lines = renderTable(COLUMNS, rows, terminal);
  return `${[directory, '', ...lines, '', ...explain(segments)].join('\n')}\n`;
}

function describeState({ tornBytes, place, damage, failure }: Inspected) {
  if (failure !== undefined) return { text: `cannot be read now: ${failure}`, style: 'red' as const };
  if (damage !== undefined) return { text: `damaged: ${damage.reason}`, style: 'red' as const };
  if (tornBytes > 0) return `whole, and ${tornBytes} bytes of a write that was not acknowledged`;
  return place === 'quarantine' ? 'whole' : 'whole, waits to be stored';
}

function explain(segments: readonly Inspected[]): string[] {
  const lines: string[] = [];
  if (segments.some(({ place, damage }) => place === 'spool' && damage !== undefined)) {
    lines.push(
      'Damaged segments in the spool: the server stores what can be read of them and puts the files aside.',
    );
  }
  const aside = segments.filter(({ place }) => place === 'quarantine');
  if (aside.some(({ damage }) => damage !== undefined)) {
    lines.push(
      'Damaged segments in quarantine: put an undamaged copy in place of the file, under the same name, then replay it.',
    );
  }
  if (aside.some(({ damage, failure }) => damage === undefined && failure === undefined)) {
    lines.push(
      'Whole segments in quarantine: ClickHouse could not take their data, or the file could not be read at that time.',
      'Stop the server and run "plumbline spool replay --all"; the next start stores them.',
    );
  }
  return lines;
}
