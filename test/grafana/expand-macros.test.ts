/** The stand-in for Grafana's own expansion of macros and variables, held against texts of its documented behaviour. */
import { describe, expect, it } from 'vitest';
import { expandMacros, expandVariables, type MacroContext } from './expand-macros.js';

const context: MacroContext = { fromMs: 1_415_792_726_371, toMs: 1_447_328_726_456, intervalMs: 20_000 };
const expand = (sql: string, changes: Partial<MacroContext> = {}) =>
  expandMacros(sql, { ...context, ...changes });

describe('macros', () => {
  it.each([
    ['$__fromTime', 'toDateTime(1415792726)'],
    ['$__toTime', 'toDateTime(1447328726)'],
    ['$__fromTime_ms', 'fromUnixTimestamp64Milli(1415792726371)'],
    ['$__toTime_ms', 'fromUnixTimestamp64Milli(1447328726456)'],
    ['$__timeFilter(t)', 't >= toDateTime(1415792726) AND t <= toDateTime(1447328726)'],
    [
      '$__timeFilter_ms(t)',
      't >= fromUnixTimestamp64Milli(1415792726371) AND t <= fromUnixTimestamp64Milli(1447328726456)',
    ],
    ['$__dateFilter(d)', "d >= toDate('2014-11-12') AND d <= toDate('2015-11-12')"],
    ['$__timeInterval(t)', 'toStartOfInterval(toDateTime(t), INTERVAL 20 second)'],
    ['$__timeInterval_ms(t)', 'toStartOfInterval(toDateTime64(t, 3), INTERVAL 20000 millisecond)'],
    ['$__timeGroup(t, 5m)', 'toStartOfInterval(toDateTime(t), INTERVAL 300 second)'],
    ['$__interval_s', '20'],
    ['$__interval_ms', '20000'],
  ])('%s becomes %s', (macro, expected) => {
    expect(expand(macro)).toBe(expected);
  });

  it('takes arguments with brackets, commas and quotes', () => {
    expect(expand("$__timeFilter(if(a = ')', b, c) )")).toBe(
      "if(a = ')', b, c) >= toDateTime(1415792726) AND if(a = ')', b, c) <= toDateTime(1447328726)",
    );
  });

  it('stands next to a bracket that is not its own', () => {
    expect(expand('f($__fromTime, $__interval_s)')).toBe('f(toDateTime(1415792726), 20)');
  });

  it('has no interval below a second', () => {
    expect(expand('$__interval_s', { intervalMs: 200 })).toBe('1');
  });

  it('leaves unknown macros as they are', () => {
    expect(expand('$__conditionalAll(a, $b) $__fromTimes')).toBe('$__conditionalAll(a, $b) $__fromTimes');
  });

  it('expands in quotes, never in comments', () => {
    expect(expand("'$__interval_s -- x' -- $__interval_s\n/* $__fromTime */ 1")).toBe(
      `'20 -- x' ${' '.repeat('-- $__interval_s'.length)}\n${' '.repeat('/* $__fromTime */'.length)} 1`,
    );
  });

  it('refuses a wrong number of arguments', () => {
    expect(() => expand('$__timeFilter(a, b)')).toThrow('expected 1 argument(s), received 2');
  });
});

describe('variables', () => {
  it('of one value are put in as they are, of several as quoted list', () => {
    expect(expandVariables("$a '${a}' ($b)", { a: 'x', b: ['y', 'z'] })).toBe("x 'x' ('y','z')");
  });

  it('as regular expressions are escaped and joined', () => {
    expect(expandVariables("'${a:regex}' '${b:regex}'", { a: ['a.b'], b: ['c-d', 'e/f'] })).toBe(
      "'a\\.b' '(c-d|e\\/f)'",
    );
  });

  it('with a custom value for all of them take it as it is', () => {
    expect(expandVariables("'${a:regex}'", { a: { allValue: '.*' } })).toBe("'.*'");
  });

  it('quote values for lists', () => {
    expect(expandVariables('${a:singlequote} ${a:sqlstring}', { a: ["it's", 'b'] })).toBe(
      "'it\\'s','b' 'it''s','b'",
    );
  });

  it('without a value stay as they are', () => {
    expect(expandVariables('$__fromTime $x', {})).toBe('$__fromTime $x');
  });
});
