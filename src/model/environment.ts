/**
 * Under which names of attributes the environment of a resource is found. The one place for this: views, KPIs, dashboards and
 * rules of the taxonomy all read it here.
 */
import { quote } from './sql-literal.js';

/**
 * In this order, the first that has a value counts: the name of the semantic conventions since 1.27, the one before it, and
 * what Prometheus makes of that.
 */
export const ENVIRONMENT_ATTRIBUTES: readonly string[] = [
  'deployment.environment.name',
  'deployment.environment',
  'deployment_environment',
];

export function isEnvironment(attribute: string): boolean {
  return ENVIRONMENT_ATTRIBUTES.includes(attribute);
}

/** SQL of the first of these attributes that has a value in one of the `maps`, which are looked at in their order; else ''. */
export function environmentSql(...maps: readonly string[]): string {
  const tries = ENVIRONMENT_ATTRIBUTES.flatMap((name) => maps.map((map) => `${map}[${quote(name)}]`));
  return `arrayFirst(found -> found != '', [${tries.join(', ')}])`;
}

/** The environment of a row of `series`. */
export const ENVIRONMENT = environmentSql('resource_attributes');
