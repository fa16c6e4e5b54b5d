/**
 * Retention of a running server, asked over its web port: only that process may change the embedded engine. Enters: a URL;
 * leaves: the same as if ClickHouse were asked here. Waits as long as the server needs: deleting may take minutes.
 */
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { text as readText } from 'node:stream/consumers';
import { UserError } from '../model/errors.js';
import { ownCommand } from '../model/own-command.js';
import type { RetentionAccess, RetentionPlan, RetentionReport } from '../model/retention.js';

const PATH = '/api/retention';

/** @param token Shown as a bearer token; '' shows none. */
export function createRetentionClient(url: string, token: string): RetentionAccess {
  const ask = <Answer>(method: string, path: string, body?: object) =>
    askServer<Answer>(url, token, method, path, body);
  return {
    report: () => ask<RetentionReport>('GET', PATH),
    plan: () => ask<RetentionPlan>('GET', `${PATH}/plan`),
    apply: ({ plannedAtMs, confirmation }) => ask<RetentionPlan>('POST', PATH, { plannedAtMs, confirmation }),
  };
}

async function askServer<Answer>(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: object,
): Promise<Answer> {
  const { status, text } = await send(new URL(path, url), token, method, body);
  const answer = parseJson(text);
  if (status === 200 && answer !== undefined) return answer as Answer;
  const { error } = (answer ?? {}) as { error?: unknown };
  if (typeof error === 'string' && status !== 404) throw new UserError(error);
  throw new UserError(
    `${new URL(url).origin} answered ${status} and is no page of a Plumbline that knows retention; ` +
      'name the address that the server printed as "Page" with --url',
  );
}

function send(
  url: URL,
  token: string,
  method: string,
  body?: object,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const sent = (url.protocol === 'https:' ? requestTls : request)(url, { method, headers }, (response) => {
      readText(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const advice =
        error.code === 'ECONNREFUSED'
          ? `nothing listens at ${url.origin}; start Plumbline with "${ownCommand()} serve", or name another address with --url`
          : `no answer came from ${url.origin} (${error.message})`;
      reject(new UserError(advice));
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
