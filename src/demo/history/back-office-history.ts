/**
 * History of the back office: process runs, tasks, savings and the scores that move slowly. Enters steps; leaves filled
 * series. The same model as the live back office, drawn for whole steps instead of single seconds.
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
} from '../back-office-model.js';
import { findMetric } from '../metric-table.js';
import type { HistoryBook } from './book.js';
import { createDiscrete, type Distribution } from './distribution.js';
import type { Step } from './step.js';

const EFFICIENCY = findMetric('process_efficiency');

type Advance = (step: Step) => void;

export function createBackOfficeHistory(book: HistoryBook): Advance {
  const parts = [createProcesses(book), createDesks(book), createFeatures(book), createLevels(book)];
  return (step) => {
    for (const advance of parts) advance(step);
  };
}

function countExpected(step: Step, perMinute: number): number {
  return (perMinute * step.trafficFactor * step.durationMs) / 60_000;
}

function createProcesses(book: HistoryBook): Advance {
  const processes = PROCESSES.map((process) => ({
    ...process,
    series: book.histogram(EFFICIENCY, { process_name: process.processName }),
    distribution: createEfficiency(process.efficiency),
  }));
  return (step) => {
    for (const { series, distribution, runsPerMinute } of processes) {
      series.observe(distribution, step.random.poisson(countExpected(step, runsPerMinute)), step.random);
    }
  };
}

/** A normal draw in steps of 0.01, never above 1. */
function createEfficiency(centre: number): Distribution {
  const values = Array.from({ length: 51 }, (_, i) => 0.5 + i / 100);
  const weigh = (value: number): number => Math.exp(-(((value - centre) / EFFICIENCY_SIGMA) ** 2) / 2);
  return createDiscrete(
    values.map((value) => ({ value, weight: weigh(value) })),
    EFFICIENCY.bounds!,
  );
}

function createDesks(book: HistoryBook): Advance {
  const desks = TASK_DESKS.map((desk) => ({
    desk,
    automated: 0,
    total: 0,
    automatedTasks: book.counter(findMetric('automated_tasks'), { service: desk.service }),
    totalTasks: book.counter(findMetric('total_tasks'), { service: desk.service }),
    rate: book.gauge(findMetric('automation_rate'), { service: desk.service }),
  }));
  return (step) => {
    for (const one of desks) {
      const total = step.random.poisson(countExpected(step, one.desk.tasksPerMinute));
      const share = readAutomatedShare(one.desk, step.unixMs, step.anchorUnixMs);
      const automated = step.random.binomial(total, share);
      one.totalTasks.add(total);
      one.automatedTasks.add(automated);
      one.total += total;
      one.automated += automated;
      one.rate.set(one.total === 0 ? share : one.automated / one.total);
    }
  };
}

function createFeatures(book: HistoryBook): Advance {
  const features = FEATURES.map((feature) => {
    const attributes = { feature: feature.feature };
    return {
      feature,
      value: book.counter(findMetric('business_value'), attributes),
      active: book.gauge(findMetric('active_users'), attributes),
      total: book.gauge(findMetric('total_users'), attributes),
      adoption: book.gauge(findMetric('adoption_rate'), attributes),
    };
  });
  return (step) => {
    const { random } = step;
    for (const { feature, value, active, total, adoption } of features) {
      const uses = random.poisson(countExpected(step, feature.usesPerMinute));
      // The sum of that many exponential amounts has this mean and deviation.
      value.add(Math.max(0, feature.savingUsd * (uses + Math.sqrt(uses) * random.normal())));
      const { activeUsers, totalUsers } = readAdoption(feature, step.unixMs, step.anchorUnixMs, random);
      active.set(activeUsers);
      total.set(totalUsers);
      adoption.set(activeUsers / totalUsers);
    }
  };
}

function createLevels(book: HistoryBook): Advance {
  const levels = LEVELS.map((level) => ({
    level,
    series: book.gauge(findMetric(level.metric), level.attributes),
  }));
  return (step) => {
    for (const { level, series } of levels) {
      series.set(readLevel(level, step.unixMs, step.anchorUnixMs, step.random));
    }
  };
}
