/**
 * OTLP over HTTP: POST /v1/metrics in protobuf or JSON, plain or compressed. Enters: requests; leaves: the bytes to
 * exportMetrics, and its outcome as the answer. Every failure is answered by a google.rpc.Status in the request's own
 * encoding. CORS is outside everything, tokens are asked for before a body is read. The rest of a refused body is read and
 * thrown away before the answer, so that the sender gets it. It never decodes metrics and holds nothing between requests.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { getPath } from 'hono/utils/url';
import { PermanentError } from '../model/errors.js';
import type { ExportMetrics } from '../model/export-outcome.js';
import { type Encoding, encodeOutcome, encodeStatus } from './answer-encoding.js';
import { SlowSenderError } from './arrival-timer.js';
import { type Authorize, BEARER_CHALLENGES, describeTokenProblem } from './bearer-tokens.js';
import { discardBody } from './discard-body.js';
import type { InflightBytes } from './inflight-bytes.js';
import { type BodyLimits, readBody } from './read-body.js';
import type { RefusedSenders } from './refused-senders.js';
import { describeFailure } from './status-codes.js';

export interface ReceiverOptions {
  limits: BodyLimits;
  /** Shared by every receiver of the process. */
  inflight: InflightBytes;
  exportMetrics: ExportMetrics;
  /** Told of errors that are ours. */
  onError: (error: Error) => void;
  /** Set where senders must show a token. */
  authorize?: Authorize | undefined;
  /** Counts and logs those whose token is missing or not accepted. */
  refusedSenders?: RefusedSenders | undefined;
}

export interface HttpReceiverOptions extends ReceiverOptions {
  /** Set where pages of other origins may send. */
  cors?: CorsOptions | undefined;
}

export interface CorsOptions {
  /** Exact origins, or only `*` for any, without credentials. */
  origins: readonly string[];
  /** Headers that may be sent besides Content-Type, Content-Encoding and Authorization. */
  headers: readonly string[];
}

type Env = { Bindings: HttpBindings };

const CONTENT_TYPES: Record<Encoding, string> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};
/** How long a browser remembers the answer to a preflight, seconds. */
const PREFLIGHT_MAX_AGE_S = 7200;
const METRICS_PATH = '/v1/metrics';
/**
 * The path as exporters write it whose endpoint ends with a slash, or names the path that the exporter appends itself. A
 * 404 is final for them, so that they would throw their data away.
 */
const METRICS_PATH_VARIANT = /^(\/+v1\/+metrics)+\/*$/;

/** The request listener of the OTLP/HTTP port. */
export function createHttpReceiver(options: HttpReceiverOptions): RequestListener {
  return getRequestListener(createApp(options).fetch, { overrideGlobalObjects: false });
}

function createApp(options: HttpReceiverOptions): Hono<Env> {
  const { limits, inflight, exportMetrics, onError, authorize, refusedSenders } = options;
  const app = new Hono<Env>({ getPath: normalizePath });
  if (options.cors) app.use('*', createCors(options.cors));
  if (authorize) {
    app.use('*', async (c, next) => {
      const { headers, socket } = c.env.incoming;
      const problem = authorize(headers.authorization);
      if (problem === undefined) return next();
      refusedSenders?.record(problem, socket.remoteAddress ?? 'an unknown address', 'HTTP');
      c.header('WWW-Authenticate', BEARER_CHALLENGES[problem]);
      return fail(c, describeTokenProblem(problem));
    });
  }
  app.post(METRICS_PATH, async (c) => {
    const request = c.env.incoming;
    const encoding = findEncoding(request);
    if (encoding === undefined) {
      throw new PermanentError(
        'unsupported',
        `Content-Type "${request.headers['content-type'] ?? ''}" is not supported; ` +
          `send ${CONTENT_TYPES.protobuf} or ${CONTENT_TYPES.json}`,
      );
    }
    const share = inflight.open();
    try {
      const outcome = await exportMetrics(await readBody(request, limits, share), encoding, share);
      return answer(c, encodeOutcome(outcome, encoding), 200, encoding);
    } finally {
      share.release();
    }
  });
  app.all(METRICS_PATH, (c) => {
    c.header('Allow', 'POST');
    return fail(c, new PermanentError('method_not_allowed', `${c.req.method} is not allowed here; use POST`));
  });
  app.notFound((c) =>
    fail(
      c,
      new PermanentError(
        'not_found',
        `there is nothing at ${c.req.path}; metrics go to POST ${METRICS_PATH}`,
      ),
    ),
  );
  app.onError((error, c) => fail(c, error));

  async function fail(c: Context<Env>, error: Error): Promise<Response> {
    const failure = describeFailure(error);
    if (failure.isUnexpected) onError(error);
    // A sender that was too slow already is not waited for again.
    if (!(error instanceof SlowSenderError)) await discardBody(c.env.incoming, limits);
    if (failure.retryAfterS !== undefined) c.header('Retry-After', String(failure.retryAfterS));
    // A body that was not read to its end would otherwise be taken for the next request.
    if (!c.env.incoming.complete) c.header('Connection', 'close');
    const encoding = findEncoding(c.env.incoming) ?? 'json';
    return answer(c, encodeStatus(failure, encoding), failure.httpStatus as ContentfulStatusCode, encoding);
  }

  return app;
}

function normalizePath(request: Request): string {
  const path = getPath(request);
  return METRICS_PATH_VARIANT.test(path) ? METRICS_PATH : path;
}

function createCors({ origins, headers }: CorsOptions) {
  const isAny = origins.includes('*');
  return cors({
    origin: isAny ? '*' : [...origins],
    credentials: !isAny,
    allowMethods: ['POST'],
    allowHeaders: ['Content-Type', 'Content-Encoding', 'Authorization', ...headers],
    exposeHeaders: ['Retry-After'],
    maxAge: PREFLIGHT_MAX_AGE_S,
  });
}

function answer(c: Context<Env>, body: Buffer, status: ContentfulStatusCode, encoding: Encoding): Response {
  return c.body(body as Uint8Array<ArrayBuffer>, status, {
    'Content-Type': CONTENT_TYPES[encoding],
    'Content-Length': String(body.length),
  });
}

/** By the Content-Type, in any case and with any parameters. */
function findEncoding(request: IncomingMessage): Encoding | undefined {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type === CONTENT_TYPES.protobuf) return 'protobuf';
  return type === CONTENT_TYPES.json ? 'json' : undefined;
}
