/** What an operator reads of segments that were put aside or cannot be: numbers, tables and reasons. */
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createDrainLog, createStoredCounts, describeQuarantine } from '../src/drain-log.js';
import { createSelfMetrics } from '../src/self/self-metrics.js';

function createLog() {
  const lines: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) });
  const stored = createStoredCounts();
  const self = createSelfMetrics({ intervalMs: 0 } as Parameters<typeof createSelfMetrics>[0]);
  return { lines, stored, drainLog: createDrainLog(log, stored, self, false) };
}

const segment = { name: '0176-1.segment', bytes: 1000 };

it('counts as dropped only the points that ClickHouse refused, and names their tables', () => {
  const { lines, stored, drainLog } = createLog();
  const reason = 'Cannot read all data';
  drainLog.onQuarantine(
    segment,
    [
      { table: 'summary_points', rows: 30, reason },
      { table: 'exemplars', rows: 500, reason },
    ],
    '/data/spool/quarantine/0176-1.segment',
  );
  drainLog.onStored(segment, new Map([['number_points', 70]]), { turnMs: 1, pauseMs: 1 });
  expect(stored).toMatchObject({ points: 70, dropped: 30 });
  expect(lines[0]!.msg).toContain('summary_points, exemplars');
  expect(JSON.stringify(lines[0])).toContain(reason);
  const notice = describeQuarantine({ segments: 1, bytes: 1000 }, stored);
  expect(notice).toMatch(/1 segment of the spool \(1000 bytes\) in quarantine/);
  expect(notice).toMatch(
    /at least 30 points were dropped .*ClickHouse refused rows of summary_points, exemplars/,
  );
});

it('has a notice for as long as a segment can be neither read nor put aside', () => {
  const { lines, stored, drainLog } = createLog();
  const none = { segments: 0, bytes: 0 };
  expect(describeQuarantine(none, stored)).toBeUndefined();
  expect(describeQuarantine({ ...none, failure: 'EACCES' }, stored)).toMatch(/^the quarantine .*EACCES/);
  drainLog.onLeft(segment, new Error('ESTALE: stale file handle'));
  drainLog.onLeft({ ...segment, name: '0176-2.segment' }, new Error('EIO: i/o error'));
  expect(lines.length).toBe(2);
  expect(describeQuarantine(none, stored)).toMatch(
    /^2 segments .*0176-1\.segment: ESTALE: stale file handle and 1 more/,
  );
  drainLog.onTaken(segment);
  drainLog.onTaken({ ...segment, name: '0176-2.segment' });
  expect(describeQuarantine(none, stored)).toBeUndefined();
});
