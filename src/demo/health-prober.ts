/**
 * Asks the shop and the payment provider once a second whether they are well. Enters their ports; leaves the share of
 * good answers since the last export, per service.
 */
import { createHttpCaller } from './http-client.js';
import type { Observation } from './recorder.js';

const PROBE_INTERVAL_MS = 1_000;

export interface HealthProber {
  read(): Observation[];
  countChecks(service: string): number;
  stop(): Promise<void>;
}

interface Probed {
  service: string;
  port: number;
  good: number;
  total: number;
  share: number;
  checks: number;
}

export function startHealthProber(ports: Readonly<Record<string, number>>): HealthProber {
  const caller = createHttpCaller(4);
  const probed: Probed[] = Object.entries(ports).map(([service, port]) => ({
    ...{ service, port, good: 0, total: 0 },
    ...{ share: 1, checks: 0 },
  }));
  let underWay: Promise<unknown> = Promise.resolve();
  const probe = (): void => {
    underWay = Promise.all(probed.map((one) => probeOnce(one, caller.call)));
  };
  probe();
  const timer = setInterval(probe, PROBE_INTERVAL_MS);
  return {
    read: () => probed.map(takeShare),
    countChecks: (service) => probed.find((one) => one.service === service)?.checks ?? 0,
    async stop() {
      clearInterval(timer);
      await underWay;
      caller.close();
    },
  };
}

async function probeOnce(one: Probed, call: (method: string, port: number, path: string) => Promise<number>) {
  const statusCode = await call('GET', one.port, '/healthz');
  one.checks++;
  one.total++;
  if (statusCode === 200) one.good++;
}

function takeShare(one: Probed): Observation {
  if (one.total > 0) one.share = one.good / one.total;
  one.good = 0;
  one.total = 0;
  return { value: one.share, attributes: { service: one.service } };
}
