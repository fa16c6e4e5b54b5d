/**
 * Share of the answers of each service that were not errors. Enters answers; leaves one observation per service at each
 * export, over the answers since the last export that had any.
 */
import type { Observation } from './recorder.js';
import type { ServiceName } from './shop-model.js';

export interface ReliabilityWatch {
  note(service: ServiceName, isError: boolean): void;
  read(): Observation[];
}

export function createReliabilityWatch(): ReliabilityWatch {
  const services = new Map<ServiceName, { good: number; total: number; share: number }>();
  return {
    note(service, isError) {
      const counts = services.get(service) ?? { good: 0, total: 0, share: 1 };
      counts.total++;
      if (!isError) counts.good++;
      services.set(service, counts);
    },
    read: () =>
      [...services].map(([service, counts]) => {
        if (counts.total > 0) counts.share = counts.good / counts.total;
        counts.good = 0;
        counts.total = 0;
        return { value: counts.share, attributes: { service } };
      }),
  };
}
