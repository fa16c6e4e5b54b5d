/** Rules: the first that matches decides, everything a rule asks for must hold, and patterns mean what they say. */
import { describe, expect, it } from 'vitest';
import { createClassifier } from '../../src/classify/classifier.js';
import { parseTaxonomy } from '../../src/classify/taxonomy.js';
import type { Series } from '../../src/model/series.js';
import { attributes, buildSeries, writeTaxonomy } from './series-builder.js';

/** Which rule takes the series; each rule is the YAML of its `match`, and is called r0, r1 … */
function takerOf(matches: string[], metricName: string, rest: Partial<Series> = {}): string {
  const rules = matches.map(
    (match, i) => `  - { name: r${i}, match: ${match}, category: speed, subcategory: volume }\n`,
  );
  const taxonomy = parseTaxonomy(writeTaxonomy(rules.join('')), 'test.yaml');
  return createClassifier(taxonomy)(buildSeries(metricName, rest)).rule;
}

describe('the order of rules', () => {
  it('the first match wins', () => {
    expect(takerOf(["{ metric: 'a.*' }", "{ metric: 'a.b' }"], 'a.b')).toBe('r0');
    expect(takerOf(["{ metric: 'a.b' }", "{ metric: 'a.*' }"], 'a.b')).toBe('r0');
    expect(takerOf(["{ metric: 'a.b' }", "{ metric: 'a.*' }"], 'a.c')).toBe('r1');
  });

  it('a rule whose other conditions do not hold leaves the series to the next', () => {
    const rules = ["{ metric: 'a.*', unit: s }", '{ type: sum }', "{ metric: '**' }"];
    expect(takerOf(rules, 'a.b', { unit: 's' })).toBe('r0');
    expect(takerOf(rules, 'a.b', { type: 'sum' })).toBe('r1');
    expect(takerOf(rules, 'a.b')).toBe('r2');
  });

  it('one metric name can belong to different rules by its other properties, one after the other', () => {
    const classify = createClassifier(
      parseTaxonomy(
        writeTaxonomy(`  - { name: timed, match: { metric: x, unit: s }, category: speed, subcategory: waiting }
  - { name: other, match: { metric: x }, category: speed, subcategory: volume }
`),
        'test.yaml',
      ),
    );
    const rules = ['s', '1', 's', ''].map((unit) => classify(buildSeries('x', { unit })).rule);
    expect(rules).toEqual(['timed', 'other', 'timed', 'other']);
  });
});

describe('patterns of metric names', () => {
  it.each([
    ['http.server.*', 'http.server.duration'],
    ['http.server.*', 'http.server.request.duration'],
    ['http.server.*', 'http_server_request_duration_seconds'],
    ['http.server.*', 'HttpServerRequests'],
    ['http.server.*', 'HTTP.SERVER.DURATION'],
    ['http_server_duration', 'http.server.duration'],
    ['HttpServerDuration', 'http/server-duration'],
    ['**.errors.**', 'errors'],
    ['**.errors.**', 'http.errors'],
    ['**.errors.**', 'errors.total'],
    ['**.errors.**', 'http.errors.total'],
    ['a.**.z', 'a.z'],
    ['a.**.z', 'a.b.c.z'],
    ['**.{lcp,first_paint}', 'web.first.paint'],
    ['load?', 'load5'],
    ['load[0-9]*', 'load15'],
    ['CPUUtilization', 'cpu.utilization'],
    ['/^a[.]b$/', 'a.b'],
    ['/^A/i', 'abc'],
    ['/duration$/', 'x_duration'],
    ['**', 'anything at all'],
  ])('%s takes %s', (pattern, name) => {
    expect(takerOf([`{ metric: ${JSON.stringify(pattern)} }`], name)).toBe('r0');
  });

  it.each([
    ['http.server.*', 'http.server'],
    ['http.server.*', 'http.serverless.duration'],
    ['http.server', 'http.server.duration'],
    ['**.errors.**', 'terrors.total'],
    ['**.errors.**', 'error'],
    ['**.{lcp,first_paint}', 'first'],
    ['load?', 'load15'],
    ['/^A/', 'abc'],
    ['/^a[.]b$/', 'a_b'],
  ])('%s does not take %s', (pattern, name) => {
    expect(takerOf([`{ metric: ${JSON.stringify(pattern)} }`], name)).toBe('');
  });
});

describe('conditions', () => {
  it('on the scope, type, temporality and monotonicity', () => {
    const rule = '{ scope: "@shop/*", type: [sum], temporality: delta, monotonic: true }';
    const fits: Partial<Series> = {
      scopeName: '@shop/api',
      type: 'sum',
      temporality: 'delta',
      isMonotonic: true,
    };
    expect(takerOf([rule], 'x', fits)).toBe('r0');
    expect(takerOf([rule], 'x', { ...fits, scopeName: 'shop' })).toBe('');
    expect(takerOf([rule], 'x', { ...fits, type: 'gauge' })).toBe('');
    expect(takerOf([rule], 'x', { ...fits, temporality: 'cumulative' })).toBe('');
    expect(takerOf([rule], 'x', { ...fits, isMonotonic: false })).toBe('');
  });

  it('on resource attributes: all of them, each by any of its patterns', () => {
    const rule = '{ resource: { service.name: [shop-*, /^till/], deployment.environment: prod } }';
    const resource = (name: string, environment: string) => ({
      resource: attributes({ 'service.name': name, 'deployment.environment': environment }),
    });
    expect(takerOf([rule], 'x', resource('shop-api', 'prod'))).toBe('r0');
    expect(takerOf([rule], 'x', resource('till-7', 'PROD'))).toBe('r0');
    expect(takerOf([rule], 'x', resource('shop-api', 'test'))).toBe('');
    expect(takerOf([rule], 'x', resource('bank', 'prod'))).toBe('');
    expect(takerOf([rule], 'x')).toBe('');
  });

  it('on the environment, under whichever of its names it comes', () => {
    const takes = (rule: string, resource: Record<string, string>) =>
      takerOf([`{ resource: { ${rule}: prod } }`], 'x', { resource: attributes(resource) });
    for (const name of ['deployment.environment.name', 'deployment.environment', 'deployment_environment']) {
      expect(takes(name, { 'deployment.environment.name': 'prod', 'deployment.environment': 'b' })).toBe(
        'r0',
      );
      expect(takes(name, { 'deployment.environment': 'prod', deployment_environment: 'c' })).toBe('r0');
      expect(takes(name, { 'deployment.environment.name': '', deployment_environment: 'prod' })).toBe('r0');
      expect(takes(name, { 'deployment.environment.name': 'b', 'deployment.environment': 'prod' })).toBe('');
      expect(takes(name, { environment: 'prod' })).toBe('');
    }
  });

  it('on point attributes: present takes any value, also an empty one, and numbers compare as text', () => {
    expect(takerOf(['{ attributes: { error.type: present } }'], 'x')).toBe('');
    const empty = { attributes: attributes({ 'error.type': '' }) };
    expect(takerOf(['{ attributes: { error.type: present } }'], 'x', empty)).toBe('r0');
    const status = { attributes: attributes({ 'http.response.status_code': '503' }) };
    expect(takerOf(['{ attributes: { http.response.status_code: 503 } }'], 'x', status)).toBe('r0');
    expect(takerOf(['{ attributes: { http.response.status_code: "5*" } }'], 'x', status)).toBe('r0');
    expect(takerOf(['{ attributes: { http.response.status_code: 200 } }'], 'x', status)).toBe('');
  });

  it('patterns of values keep separators apart, and a star crosses slashes and line ends', () => {
    const route = (value: string) => ({ attributes: attributes({ 'http.route': value }) });
    expect(takerOf(['{ attributes: { http.route: "/api/*" } }'], 'x', route('/api/v1/users'))).toBe('r0');
    expect(takerOf(['{ attributes: { http.route: "/api/*" } }'], 'x', route('/api_v1'))).toBe('');
    expect(takerOf(['{ attributes: { http.route: "a*z" } }'], 'x', route('a\nz'))).toBe('r0');
  });

  it('units are compared exactly, braces and all', () => {
    expect(takerOf(["{ unit: ['{request}'] }"], 'x', { unit: '{request}' })).toBe('r0');
    expect(takerOf(["{ unit: ['{request}'] }"], 'x', { unit: 'request' })).toBe('');
    expect(takerOf(["{ unit: '' }"], 'x')).toBe('r0');
  });
});
