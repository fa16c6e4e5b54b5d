/**
 * Share of good outcomes per service. Enters outcomes; leaves one observation per service at each export, over the
 * outcomes since the last export that had any.
 */
import type { Observation } from './recorder.js';

export interface ShareWatch {
  note(service: string, isGood: boolean): void;
  read(): Observation[];
}

export function createShareWatch(): ShareWatch {
  const services = new Map<string, { good: number; total: number; share: number }>();
  return {
    note(service, isGood) {
      const counts = services.get(service) ?? { good: 0, total: 0, share: 1 };
      counts.total++;
      if (isGood) counts.good++;
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
