/**
 * Asks the shop and the payment provider once a second whether they are well. Enters their ports; leaves each answer
 * with whoever wants it.
 */
import { createHttpCaller } from './http-client.js';

const PROBE_INTERVAL_MS = 1_000;

export interface HealthProber {
  stop(): Promise<void>;
}

export function startHealthProber(
  ports: Readonly<Record<string, number>>,
  onAnswer: (service: string, isGood: boolean) => void,
): HealthProber {
  const caller = createHttpCaller(4);
  const probeOne = async ([service, port]: [string, number]): Promise<void> =>
    onAnswer(service, (await caller.call('GET', port, '/healthz')) === 200);
  let underWay: Promise<unknown> = Promise.resolve();
  const probe = (): void => {
    underWay = Promise.all(Object.entries(ports).map(probeOne));
  };
  probe();
  const timer = setInterval(probe, PROBE_INTERVAL_MS);
  return {
    async stop() {
      clearInterval(timer);
      await underWay;
      caller.close();
    },
  };
}
