/**
 * The live demo, start to finish: providers, instrumentations, payment provider, shop, prober, back office, visitors.
 * Enters options, a clock and a seed; leaves a running shop that exports real telemetry, and on stop a report of what it
 * did. Stops from the outside in, so that the last export holds everything.
 */
import { type BackOffice, startBackOffice } from './back-office.js';
import type { Clock } from './clock.js';
import { createRequestCounts, type LiveReport, type RequestCounts } from './demo-report.js';
import {
  countExports,
  countFromStart,
  createExporter,
  type ExportTally,
  type ExportTarget,
} from './exporters.js';
import { createGroundTruth, type GroundTruth } from './ground-truth.js';
import { type HealthProber, startHealthProber } from './health-prober.js';
import type { LocalServer } from './http-server.js';
import { createLiveSpells } from './incidents.js';
import { enableInstrumentations, type OwnRequests } from './instrumentations.js';
import { noteHistograms } from './noted-histograms.js';
import { watchPartialSuccess } from './partial-success.js';
import { startPaymentServer } from './payment-server.js';
import { createPrograms, type Programs } from './programs.js';
import { createRandom } from './random.js';
import { createRecorder, type Recorder } from './recorder.js';
import { createResourceUsage } from './resource-usage.js';
import { createShareWatch } from './share-watch.js';
import { PAYMENT, SLOW_MS } from './shop-model.js';
import { startShop } from './shop-server.js';
import { startTraffic, type TrafficDriver } from './traffic-driver.js';
import { type Answer, createVisitors } from './visitors.js';

export interface LiveDemoOptions {
  target: ExportTarget;
  /** Requests per second at the start; later it follows the rhythm of the day. */
  ratePerSecond: number;
  exportIntervalMs: number;
  seed: number;
  /** Tells this run's series from those of other runs. */
  instanceId: string;
  clock: Clock;
  /** Something people should know: a failed export, rejected points. */
  onNotice(text: string): void;
}

export interface LiveDemo {
  shopPort: number;
  requests: Readonly<RequestCounts>;
  exports: Readonly<ExportTally>;
  stop(): Promise<LiveReport>;
}

/** Data should show within seconds even where the export interval is long. */
const FIRST_EXPORT_MS = 3_000;
const SHOP_SERVICE = 'shop-storefront';

export async function startLiveDemo(options: LiveDemoOptions): Promise<LiveDemo> {
  const startedUnixMs = options.clock.unixMs();
  const startedMs = options.clock.monotonicMs();
  const requests = createRequestCounts();
  const truth = createGroundTruth({ isDelta: options.target.temporality === 'delta' });
  const telemetry = openTelemetry(options, truth, startedUnixMs);
  const ports: Ports = { shop: 0, payments: 0 };
  const { storefront } = telemetry.programs;
  const disableInstrumentations = enableInstrumentations(
    storefront,
    noteHistograms(storefront, 'storefront', truth),
    selectOwnRequests(ports, requests),
  );
  const parts = await startParts(options, telemetry.recorder, requests, ports);
  const firstExportMs = Math.min(FIRST_EXPORT_MS, options.exportIntervalMs / 2);
  const firstExport = setTimeout(() => void telemetry.programs.flush(), firstExportMs);
  return {
    shopPort: ports.shop,
    requests,
    exports: telemetry.exports,
    async stop() {
      const stoppedUnixMs = options.clock.unixMs();
      const durationMs = options.clock.monotonicMs() - startedMs;
      clearTimeout(firstExport);
      await stopParts(parts);
      await telemetry.close();
      disableInstrumentations();
      return {
        startedUnixMs,
        stoppedUnixMs,
        durationMs,
        requests,
        exports: telemetry.exports,
        metrics: truth.read(),
      };
    },
  };
}

interface Telemetry {
  programs: Programs;
  recorder: Recorder;
  exports: ExportTally;
  /** Exports what is left and closes the exporters. */
  close(): Promise<void>;
}

function openTelemetry(options: LiveDemoOptions, truth: GroundTruth, startedUnixMs: number): Telemetry {
  const exports: ExportTally = { succeeded: 0, failed: 0, points: 0, rejectedPoints: 0 };
  const onFailure = (reason: string): void => options.onNotice(`an export failed: ${reason}`);
  const unwatch = watchPartialSuccess((points, message) => {
    exports.rejectedPoints += points;
    options.onNotice(`the backend rejected ${points} points: ${message}`);
  });
  const programs = createPrograms({
    instanceId: options.instanceId,
    exportIntervalMs: options.exportIntervalMs,
    createExporter(program, timeoutMs) {
      const exporter = createExporter({ ...options.target, timeoutMs });
      const onExport = (unixMs: number): void => truth.close(program, unixMs);
      return countExports(countFromStart(exporter, startedUnixMs), exports, { onExport, onFailure });
    },
  });
  return {
    programs,
    recorder: createRecorder(programs.findMeter, truth),
    exports,
    async close() {
      await programs.shutdown();
      unwatch();
    },
  };
}

interface Ports {
  shop: number;
  payments: number;
}

/** Of all HTTP in this process, only what the shop serves and what it calls is its telemetry. */
function selectOwnRequests(ports: Ports, requests: RequestCounts): OwnRequests {
  return {
    isIncoming: (request) => request.socket.localPort === ports.shop,
    isOutgoing(request) {
      const isPayment = Number(request.port) === ports.payments && request.path === PAYMENT.path;
      if (isPayment) requests.paymentCalls++;
      return isPayment;
    },
  };
}

interface Parts {
  traffic: TrafficDriver;
  backOffice: BackOffice;
  prober: HealthProber;
  shop: LocalServer;
  payments: LocalServer;
}

async function startParts(
  { clock, seed, ratePerSecond }: LiveDemoOptions,
  recorder: Recorder,
  requests: RequestCounts,
  ports: Ports,
): Promise<Parts> {
  const random = createRandom(seed);
  const findIncidents = createLiveSpells(random.fork('incidents'), clock.unixMs());
  const payments = await startPaymentServer(random.fork('payments'), clock, findIncidents);
  ports.payments = payments.port;
  const availability = createShareWatch();
  const reliability = createShareWatch();
  const shop = await startShop({
    recorder,
    random: random.fork('shop'),
    clock,
    findIncidents,
    paymentPort: payments.port,
    onAnswer: reliability.note,
  });
  ports.shop = shop.port;
  const probed = { [SHOP_SERVICE]: shop.port, payments: payments.port };
  const prober = startHealthProber(probed, (service, isGood) => {
    if (service === SHOP_SERVICE) requests.healthChecks++;
    availability.note(service, isGood);
  });
  recorder.observe('availability', availability.read);
  recorder.observe('reliability_score', reliability.read);
  recorder.observe('resource_utilization', createResourceUsage(clock));
  const backOffice = startBackOffice(recorder, random.fork('back office'), clock);
  const visitors = createVisitors(recorder, random.fork('visitors'));
  const traffic = startTraffic({
    shopPort: shop.port,
    ratePerSecond,
    random: random.fork('traffic'),
    clock,
    onSent: () => requests.sent++,
    onAnswer(answer) {
      countAnswer(requests, answer);
      visitors.see(answer);
    },
  });
  return { traffic, backOffice, prober, shop, payments };
}

async function stopParts(parts: Parts): Promise<void> {
  await parts.traffic.stop();
  parts.backOffice.stop();
  await parts.prober.stop();
  await parts.shop.stop();
  await parts.payments.stop();
}

function countAnswer(requests: RequestCounts, answer: Answer): void {
  if (answer.statusCode === 0) {
    requests.unanswered++;
    return;
  }
  requests.answered++;
  if (answer.statusCode >= 500) requests.errors++;
  if (answer.durationMs > SLOW_MS) requests.slow++;
  const endpoint = `${answer.route.method} ${answer.route.endpoint}`;
  const byStatus = requests.byEndpoint[endpoint] ?? {};
  byStatus[answer.statusCode] = (byStatus[answer.statusCode] ?? 0) + 1;
  requests.byEndpoint[endpoint] = byStatus;
}
