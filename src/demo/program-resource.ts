/**
 * Under which resource each program of the shop exports. Enters a program and the id of this run; leaves the resource,
 * the same for live data and generated history.
 */
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { Program } from './metric-definition.js';

export const PROGRAMS: readonly Program[] = ['storefront', 'browser', 'backoffice'];

/** Version of the shop: scope version of its own meters and `service.version`. */
export const SHOP_VERSION = '1.0.0';

export function describeResource(program: Program, instanceId: string): Resource {
  const own = resourceFromAttributes({
    'service.name': `shop-${program}`,
    'service.namespace': 'plumbline-demo',
    'service.version': SHOP_VERSION,
    'service.instance.id': `${program}-${instanceId}`,
    'deployment.environment.name': 'demo',
  });
  return defaultResource().merge(own);
}
