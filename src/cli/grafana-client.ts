/**
 * Requests to Grafana's HTTP API, one at a time. Enters: a method, a path and JSON; leaves: JSON, undefined for 404, or an error
 * that says what to do. Answers that ask to wait are waited for. The token goes into one header and nowhere else.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import pRetry from 'p-retry';
import { UserError } from '../model/errors.js';

export interface GrafanaClient {
  /** Without user and password, and without a slash at its end. */
  readonly url: string;
  get<Answer>(path: string): Promise<Answer | undefined>;
  /** PUT, POST and DELETE; what is set stays editable in Grafana's page. */
  send(method: 'PUT' | 'POST' | 'DELETE', path: string, body?: object): Promise<void>;
}

export interface GrafanaClientOptions {
  url: string;
  token: string;
  /** Pause before a second try; then twice as long each time. */
  retryMs?: number;
}

const TIMEOUT_MS = 60_000;
const RETRIES = 4;
const RETRY_AFTER_MAX_S = 60;
/** Nothing was done: any request may be repeated. */
const WAIT_STATUSES = [429, 503];
/** What was done is not known: only what has the same effect twice may be repeated. */
const LOST_STATUSES = [502, 504];

class AnswerError extends UserError {
  readonly mayRepeat: boolean;
  readonly waitMs: number;
  constructor(message: string, mayRepeat: boolean, waitMs = 0) {
    super(message);
    this.mayRepeat = mayRepeat;
    this.waitMs = waitMs;
  }
}

export function createGrafanaClient({ url, token, retryMs = 1_000 }: GrafanaClientOptions): GrafanaClient {
  const base = readBase(url);

  async function ask(method: string, path: string, body?: object): Promise<Response> {
    return pRetry(() => tryOnce(method, path, body), {
      retries: RETRIES,
      minTimeout: retryMs,
      shouldRetry: ({ error }) => error instanceof AnswerError && error.mayRepeat,
      onFailedAttempt: async ({ error }) => {
        if (error instanceof AnswerError && error.mayRepeat) await setTimeout(error.waitMs);
      },
    });
  }

  async function tryOnce(method: string, path: string, body?: object): Promise<Response> {
    const isSameTwice = method !== 'POST' || path === '/api/dashboards/db';
    let response: Response;
    try {
      response = await fetch(`${base}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          Accept: 'application/json',
          // Else what is set here could be changed only here.
          'X-Disable-Provenance': 'true',
          ...(body && { 'Content-Type': 'application/json' }),
        },
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw new AnswerError(`no answer came from ${base} (${describeCause(error as Error)})`, isSameTwice);
    }
    if (response.ok || response.status === 404) return response;
    const mayRepeat =
      WAIT_STATUSES.includes(response.status) || (isSameTwice && LOST_STATUSES.includes(response.status));
    const waitS = Math.min(Number(response.headers.get('retry-after')) || 0, RETRY_AFTER_MAX_S);
    throw new AnswerError(await explain(response, method, path, base), mayRepeat, waitS * 1000);
  }

  return {
    url: base,
    async get<Answer>(path: string) {
      const response = await ask('GET', path);
      const text = await response.text();
      const type = response.headers.get('content-type') ?? '';
      // Grafana may say nothing at all of what is not there; a page is not from its API.
      if (response.status === 404 && !type.includes('html')) return undefined;
      if (!/\bjson\b/.test(type))
        throw new UserError(
          `${base} answered GET ${path} with something that is no JSON: is it the address of a Grafana?`,
        );
      return JSON.parse(text) as Answer;
    },
    async send(method, path, body) {
      const response = await ask(method, path, body);
      await response.arrayBuffer();
      // What is to be removed and is gone already is removed.
      if (response.status === 404 && method !== 'DELETE')
        throw new UserError(
          `Grafana at ${base} knows no ${path} (404): it is older than 11.6, or something was removed meanwhile`,
        );
    },
  };
}

function readBase(text: string): string {
  if (!URL.canParse(text) || !/^https?:/i.test(text))
    throw new UserError(`${text} is no address of a Grafana; it must look like https://grafana.example.com`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw new UserError(
      'the address of Grafana has a password in it; give a token as GRAFANA_TOKEN or with --token-file',
    );
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

async function explain(response: Response, method: string, path: string, base: string): Promise<string> {
  const said = readMessage(await response.text());
  const { status } = response;
  const what = `Grafana at ${base} refused ${method} ${path.split('?', 1)[0]} (${status}${said === '' ? '' : `: ${said}`})`;
  if (status === 401)
    return `${what}: the token is not valid there; make one for a service account and give it as GRAFANA_TOKEN or with --token-file`;
  if (status === 403)
    return `${what}: the token's service account lacks the right; give it the role Admin, or leave that kind out with --only`;
  if (status >= 300 && status < 400)
    return `${base} sends ${path} elsewhere (${status}, ${response.headers.get('location') ?? ''}); give that address as --url`;
  return what;
}

/** What Grafana says of the matter, on one line. */
function readMessage(text: string): string {
  try {
    const { message, msg } = JSON.parse(text) as { message?: unknown; msg?: unknown };
    return String(message ?? msg ?? '')
      .replaceAll(/\s+/g, ' ')
      .slice(0, 300);
  } catch {
    return '';
  }
}

function describeCause({ message, cause }: Error): string {
  const { code, message: reason } = (cause ?? {}) as NodeJS.ErrnoException;
  return code ?? reason ?? message;
}

/** From a file, or from the environment: never from the command line, which others on the machine can read. */
export async function readToken(file: string | undefined, env: NodeJS.ProcessEnv): Promise<string> {
  if (file === undefined) {
    const token = env.GRAFANA_TOKEN?.trim() ?? '';
    if (token !== '') return token;
    throw new UserError(
      'there is no token: set GRAFANA_TOKEN, or name a file that holds one with --token-file',
    );
  }
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UserError(`the token cannot be read: ${error.message}`);
  });
  if (text.trim() === '') throw new UserError(`${file} is empty; it must hold the token`);
  return text.trim();
}
