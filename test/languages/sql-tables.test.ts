/** What tools see over JDBC when they list tables of a whole Plumbline, as docs/sql-clients.md says. */
import { describe, expect, inject, it } from 'vitest';
import { java } from './java/toolchain.js';
import { readOwn, run } from './toolchain.js';

describe.skipIf(java.missing !== undefined)(`JDBC${java.missing ? `: ${java.missing}` : ''}`, () => {
  it('lists tables that can be read and no view with parameters, and answers whatever it is asked about them', async () => {
    const program = await java.build('jdbc-tables', readOwn('java/ListWithJdbc.java'));
    const { code, output } = await run(
      [...program, `jdbc:ch://${inject('plumblines').plain.sql}/plumbline`],
      {},
    );
    const [product, tables, ...others] = output.trim().split('\n');
    expect([product, others]).toEqual(['product ClickHouse', []]);
    const names = tables!.split(' ').slice(1);
    expect(names).toEqual(expect.arrayContaining(['series', 'number_points', 'performance_metrics']));
    expect(names.filter((name) => /_increase$|_quantiles$|_values$/.test(name))).toEqual([]);
    expect(code).toBe(0);
  });
});
