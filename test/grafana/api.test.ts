/** Comparing what is rendered with what Grafana's API answers: variables, spellings, differences, routes. */
import { describe, expect, test } from 'vitest';
import { compare } from '../../src/grafana/api/compare.js';
import { parseSeconds } from '../../src/grafana/api/durations.js';
import { normaliseMuteTiming } from '../../src/grafana/api/normalise.js';
import { findOwnRoute, withOwnRoute } from '../../src/grafana/api/plan.js';
import { REDACTED } from '../../src/grafana/api/resources.js';
import { fillVariables } from '../../src/grafana/api/wanted.js';

describe('variables', () => {
  test('are put in as Grafana does when it reads a file', () => {
    const unset = new Set<string>();
    const fill = (text: string) => fillVariables(text, { HOST: 'h', EMPTY: '' }, unset);
    expect(fill('http://$HOST/${HOST}x')).toBe('http://h/hx');
    expect(fill('costs 5 $$, {{ $$labels.kpi }}')).toBe('costs 5 $, {{ $labels.kpi }}');
    expect(fill('(.*,)?email(,.*)?$')).toBe('(.*,)?email(,.*)?$');
    expect([...unset]).toEqual([]);
    expect(fill('$NOBODY and ${EMPTY}')).toBe('$NOBODY and ${EMPTY}');
    expect([...unset].sort()).toEqual(['EMPTY', 'NOBODY']);
  });
});

describe('durations', () => {
  test.each([
    ['90s', 90],
    ['1m30s', 90],
    ['4h', 14_400],
    ['1d', 86_400],
    ['1w', 604_800],
    ['500ms', 0.5],
    ['0', 0],
    ['0s', 0],
  ])('%s', (text, seconds) => expect(parseSeconds(text)).toBe(seconds));

  test.each(['', '5', 'm5', '5m ', 'now'])('%j is none', (text) => expect(parseSeconds(text)).toBeNaN());
});

describe('differences', () => {
  test('are named by path, and members of lists by what they are', () => {
    const wanted = {
      panels: [
        { id: 1, title: 'A' },
        { id: 2, title: 'B' },
      ],
      tags: ['x', 'y'],
    };
    const found = {
      panels: [
        { id: 2, title: 'C' },
        { id: 1, title: 'A' },
        { id: 3, title: 'D' },
      ],
      tags: ['x', 'z', 'w'],
    };
    expect(compare(wanted, found)).toEqual([
      { path: 'panels[id=2].title', wanted: 'B', found: 'C' },
      { path: 'panels[id=3]', found: { id: 3, title: 'D' } },
      { path: 'tags[1]', wanted: 'y', found: 'z' },
      { path: 'tags[2]', found: 'w' },
    ]);
  });

  test('are none where one side leaves out what says nothing', () => {
    expect(compare({ a: 1 }, { a: 1, b: null, c: [], d: {}, e: '', f: false, g: 0, h: { i: [] } })).toEqual(
      [],
    );
    expect(compare({ a: 1, continue: false }, { a: 1 })).toEqual([]);
    expect(compare({ a: 1 }, { a: 1, b: true })).toEqual([{ path: 'b', found: true }]);
    expect(compare({ a: 1, b: 2 }, { a: 1 })).toEqual([{ path: 'b', wanted: 2 }]);
  });

  test('are not known of what is kept secret', () => {
    expect(compare({ url: 'https://a' }, { url: REDACTED })).toEqual([]);
  });

  test('tell numbers from texts, and members that have no identity by place', () => {
    expect(compare({ a: 5 }, { a: '5' })).toEqual([{ path: 'a', wanted: 5, found: '5' }]);
    expect(compare([{ id: 1 }, { id: 1, x: 1 }], [{ id: 1 }, { id: 1, x: 2 }])).toEqual([
      { path: '[1].x', wanted: 1, found: 2 },
    ]);
  });
});

test('months have names and numbers', () => {
  const timing = (months: string[]) =>
    normaliseMuteTiming({ name: 'a', time_intervals: [{ months, location: 'UTC' }] });
  expect(timing(['January:march', 'december'])).toEqual(timing(['1:3', '12']));
});

describe('our route', () => {
  const own = { receiver: 'email', object_matchers: [['kpi', '=~', '.+']] };
  const foreign = {
    receiver: 'other',
    object_matchers: [
      ['kpi', '=~', '.+'],
      ['team', '=', 'blue'],
    ],
  };

  test('comes first in a tree that has none, and keeps its place in one that has', () => {
    const tree = { receiver: 'root', provenance: 'api', routes: [foreign] };
    const first = withOwnRoute(tree, own);
    expect(first).toEqual({ receiver: 'root', routes: [own, foreign] });
    const moved = { receiver: 'root', routes: [foreign, own] };
    expect(withOwnRoute(moved, { ...own, receiver: 'new' })).toEqual({
      receiver: 'root',
      routes: [foreign, { ...own, receiver: 'new' }],
    });
    expect(findOwnRoute(moved)).toBe(own);
    expect(findOwnRoute({ receiver: 'root', routes: [foreign] })).toBeUndefined();
    expect(findOwnRoute(undefined)).toBeUndefined();
  });
});
