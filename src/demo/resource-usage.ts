/**
 * How much of the machine is in use. Enters a clock; leaves, at each call, the share of processor and event loop used by
 * this process since the call before, and the share of the machine's memory in use now.
 */
import { availableParallelism, freemem, totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Clock } from './clock.js';
import type { Observation } from './recorder.js';

export function createResourceUsage(clock: Clock): () => Observation[] {
  let cpu = process.cpuUsage();
  let eventLoop = performance.eventLoopUtilization();
  let readMs = clock.monotonicMs();
  return () => {
    const used = process.cpuUsage(cpu);
    const loop = performance.eventLoopUtilization(eventLoop).utilization;
    const nowMs = clock.monotonicMs();
    const cpuShare = (used.user + used.system) / 1000 / Math.max(1, nowMs - readMs) / availableParallelism();
    cpu = process.cpuUsage();
    eventLoop = performance.eventLoopUtilization();
    readMs = nowMs;
    return [
      { value: Math.min(1, cpuShare), attributes: { resource: 'cpu' } },
      { value: 1 - freemem() / totalmem(), attributes: { resource: 'memory' } },
      { value: loop, attributes: { resource: 'event_loop' } },
    ];
  };
}
