/** The dropdowns above boards. Enters: SQL of what they offer; leaves: variables, set to all of it. */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  CustomVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  type VariableModel,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE } from './clickhouse-query.js';
import type { GrafanaOptions } from './grafana-options.js';
import { environmentsSql, servicesSql } from './sql/variable-sql.js';

export type Variable = Builder<VariableModel>;

interface QueryVariable {
  name: string;
  label: string;
  description: string;
  sql: string;
}

function queryVariable({ name, label, description, sql }: QueryVariable): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource({ ...DATASOURCE })
    .query({ editorType: 'sql', rawSql: sql })
    .definition(sql)
    .refresh(VariableRefresh.OnDashboardLoad);
}

/** Any number of values, at first all of them, in SQL as a regular expression. */
export function manyOf(variable: QueryVariable): Variable {
  return queryVariable(variable)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

/** Exactly one value: the first that is offered, until another is chosen. */
export function oneOf(variable: QueryVariable): Variable {
  return queryVariable(variable).multi(false).includeAll(false);
}

export function serviceVariable({ database }: GrafanaOptions): Variable {
  return manyOf({
    name: 'service',
    label: 'Service',
    description: 'Name of the service that sent the metrics (service.name)',
    sql: servicesSql(database),
  });
}

export function environmentVariable({ database }: GrafanaOptions): Variable {
  return manyOf({
    name: 'environment',
    label: 'Environment',
    description:
      'deployment.environment.name of the resource, else deployment.environment or deployment_environment',
    sql: environmentsSql(database),
  });
}

/** Where trace IDs lead. */
export function traceUrlVariable({ traceUrl }: GrafanaOptions): Variable {
  const value = { selected: true, text: traceUrl, value: traceUrl };
  const box = new TextBoxVariableBuilder('trace_url')
    .label('Traces at')
    .description('Address that a trace ID is put behind')
    .defaultValue(traceUrl)
    .current(value)
    .options([value]);
  return box;
}

/** One of a fixed list; texts are what people choose by. */
export function customVariable(
  name: string,
  label: string,
  description: string,
  choices: readonly { text: string; value: string }[],
): Variable {
  const options = choices.map((choice, i) => ({ ...choice, selected: i === 0 }));
  return new CustomVariableBuilder(name)
    .label(label)
    .description(description)
    .values(choices.map(({ text, value }) => `${text.replaceAll(/([,:\\])/g, '\\$1')} : ${value}`).join(', '))
    .options(options)
    .current(options[0]!)
    .multi(false)
    .includeAll(false);
}
