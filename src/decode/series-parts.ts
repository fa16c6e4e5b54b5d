/** A Series in the parts in which a request has it: those of its resource, scope and metric, read once for all series below. */
import type { Attribute, Series } from '../model/series.js';

export type ResourceParts = Pick<
  Series,
  'resource' | 'resourceSchemaUrl' | 'resourceDroppedAttributes' | 'resourceEntityRefs'
>;
export type ScopeParts = Pick<
  Series,
  'scopeName' | 'scopeVersion' | 'scopeAttributes' | 'scopeSchemaUrl' | 'scopeDroppedAttributes'
>;
export type MetricParts = Pick<
  Series,
  'metricName' | 'description' | 'unit' | 'type' | 'temporality' | 'isMonotonic' | 'metadata'
>;

/** Field by field: spreading three objects into one costs several times as much, and this runs for every new series. */
export function makeSeries(
  resource: ResourceParts,
  scope: ScopeParts,
  metric: MetricParts,
  attributes: readonly Attribute[],
): Series {
  return {
    resource: resource.resource,
    resourceSchemaUrl: resource.resourceSchemaUrl,
    resourceDroppedAttributes: resource.resourceDroppedAttributes,
    resourceEntityRefs: resource.resourceEntityRefs,
    scopeName: scope.scopeName,
    scopeVersion: scope.scopeVersion,
    scopeAttributes: scope.scopeAttributes,
    scopeSchemaUrl: scope.scopeSchemaUrl,
    scopeDroppedAttributes: scope.scopeDroppedAttributes,
    metricName: metric.metricName,
    description: metric.description,
    unit: metric.unit,
    type: metric.type,
    temporality: metric.temporality,
    isMonotonic: metric.isMonotonic,
    metadata: metric.metadata,
    attributes,
  };
}
