/**
 * The back office at work: once a second it records what its processes, desks and features did since the last time.
 * Enters a clock and randomness; leaves the metrics of `shop.processes`, `shop.business` and `shop.quality`. The first
 * round records at least one of everything, so that every metric exists at once.
 */
import {
  EFFICIENCY_SIGMA,
  FEATURES,
  LEVELS,
  PROCESSES,
  readAdoption,
  readAutomatedShare,
  readLevel,
  TASK_DESKS,
} from './back-office-model.js';
import type { Clock } from './clock.js';
import type { Random } from './random.js';
import type { Observation, Recorder } from './recorder.js';
import { readTrafficFactor } from './traffic-rhythm.js';

const ROUND_MS = 1_000;

export interface BackOffice {
  stop(): void;
}

interface Round {
  recorder: Recorder;
  random: Random;
  unixMs: number;
  anchorUnixMs: number;
  /** How many of something that happens `perMinute` happened in this round. */
  count(perMinute: number): number;
}

export function startBackOffice(recorder: Recorder, random: Random, clock: Clock): BackOffice {
  const anchorUnixMs = clock.unixMs();
  const done = new Map<string, { automated: number; total: number }>();
  recorder.observe('automation_rate', () => readAutomationRates(done));
  let lastMs: number | undefined;
  const work = (): void => {
    const nowMs = clock.monotonicMs();
    const unixMs = clock.unixMs();
    const minutes = lastMs === undefined ? 0 : ((nowMs - lastMs) / 60_000) * readTrafficFactor(unixMs);
    const countMin = lastMs === undefined ? 1 : 0;
    lastMs = nowMs;
    const count = (perMinute: number): number => Math.max(countMin, random.poisson(perMinute * minutes));
    const round = { recorder, random, unixMs, anchorUnixMs, count };
    runProcesses(round);
    workDesks(round, done);
    useFeatures(round);
    setLevels(round);
  };
  work();
  const timer = setInterval(work, ROUND_MS);
  return { stop: () => clearInterval(timer) };
}

function runProcesses({ recorder, random, count }: Round): void {
  for (const process of PROCESSES) {
    const runs = count(process.runsPerMinute);
    for (let i = 0; i < runs; i++) {
      const efficiency = process.efficiency + EFFICIENCY_SIGMA * random.normal();
      const attributes = { process_name: process.processName };
      recorder.record('process_efficiency', Math.min(1, Math.max(0.3, efficiency)), attributes);
    }
  }
}

function workDesks(round: Round, done: Map<string, { automated: number; total: number }>): void {
  for (const desk of TASK_DESKS) {
    const total = round.count(desk.tasksPerMinute);
    if (total === 0) continue;
    const share = readAutomatedShare(desk, round.unixMs, round.anchorUnixMs);
    const automated = round.random.binomial(total, share);
    const attributes = { service: desk.service };
    round.recorder.record('total_tasks', total, attributes);
    round.recorder.record('automated_tasks', automated, attributes);
    const sofar = done.get(desk.service) ?? { automated: 0, total: 0 };
    done.set(desk.service, { automated: sofar.automated + automated, total: sofar.total + total });
  }
}

function readAutomationRates(done: ReadonlyMap<string, { automated: number; total: number }>): Observation[] {
  return [...done].map(([service, { automated, total }]) => ({
    value: automated / total,
    attributes: { service },
  }));
}

function useFeatures({ recorder, random, unixMs, anchorUnixMs, count }: Round): void {
  for (const feature of FEATURES) {
    const attributes = { feature: feature.feature };
    const uses = count(feature.usesPerMinute);
    for (let i = 0; i < uses; i++) {
      recorder.record('business_value', random.exponential(feature.savingUsd), attributes);
    }
    const { activeUsers, totalUsers } = readAdoption(feature, unixMs, anchorUnixMs, random);
    recorder.record('active_users', activeUsers, attributes);
    recorder.record('total_users', totalUsers, attributes);
    recorder.record('adoption_rate', activeUsers / totalUsers, attributes);
  }
}

function setLevels({ recorder, random, unixMs, anchorUnixMs }: Round): void {
  for (const level of LEVELS) {
    recorder.record(level.metric, readLevel(level, unixMs, anchorUnixMs, random), level.attributes);
  }
}
