/**
 * Requests that a page of somebody else makes a browser send, told apart by their head. Enters: the head of a request;
 * leaves: why it is refused, if it is. Two attacks are meant: DNS rebinding (a name of the attacker's that leads to this
 * machine; the browser then takes this port for the attacker's own site) and blind requests from other sites (an image's
 * address is a whole query, and carries no Origin). It asks for no credential: credentials.ts does.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isLoopback } from '../model/loopback.js';

export interface RequestGuardOptions {
  /** The port asks for a credential: a page under a wrong name has none, so every name is taken. */
  isProtected: boolean;
  /** The address that the port listens on. */
  host: string;
  /** Further names of this server, without ports. */
  allowedHosts: readonly string[];
  /** Origins whose pages may ask, as browsers write them. */
  allowedOrigins: readonly string[];
  /** Paths that watchdogs ask: nothing is refused there. */
  openPaths: readonly string[];
  /** Whether a link of another site may open this path in a window (never in a frame or by a script). */
  isPage?: (path: string) => boolean;
}

/** What the guard looks at; an IncomingMessage has it. */
export interface RequestHead {
  method?: string | undefined;
  headers: IncomingHttpHeaders;
  socket: Pick<IncomingMessage['socket'], 'localAddress'>;
}

export interface RequestGuard {
  /** Why the request is refused (status 403), as one sentence; undefined where it is taken. */
  findRefusal(request: RequestHead, path: string): string | undefined;
  /** Headers that let a page of an allowed origin read the answer; none for others. */
  corsHeaders(request: RequestHead): Record<string, string>;
}

export function createRequestGuard(options: RequestGuardOptions): RequestGuard {
  const hosts = new Set([options.host, ...options.allowedHosts].map((host) => host.toLowerCase()));
  const origins = new Set(options.allowedOrigins);

  function isOwnHost(header: string, localAddress: string | undefined): boolean {
    const name = readHostName(header);
    // The cheapest question first: most requests name the address that the port listens on.
    return hosts.has(name) || name === localAddress?.replace(/^::ffff:/, '') || isLoopback(name);
  }

  return {
    findRefusal({ method, headers, socket }, path) {
      if (options.openPaths.includes(path)) return undefined;
      const { host, origin } = headers;
      if (!options.isProtected && host !== undefined && !isOwnHost(host, socket.localAddress)) {
        return (
          `this port asks for no credential and is not reached under the name ${quote(readHostName(host))}; ` +
          'use localhost or its address, or add the name to PLUMBLINE_ALLOWED_HOSTS'
        );
      }
      if (origin !== undefined && origins.has(origin)) return undefined;
      const site = headers['sec-fetch-site'];
      if (origin !== undefined && site !== 'same-origin' && !isOriginOf(origin, host)) {
        return `pages of ${quote(origin)} may not ask here; PLUMBLINE_ALLOWED_ORIGINS lists the origins that may`;
      }
      if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
      const isOpened =
        (method === 'GET' || method === 'HEAD') &&
        headers['sec-fetch-mode'] === 'navigate' &&
        headers['sec-fetch-dest'] === 'document';
      if (isOpened && options.isPage?.(path)) return undefined;
      return 'pages of other sites may not ask here (Sec-Fetch-Site); PLUMBLINE_ALLOWED_ORIGINS lists the origins that may';
    },
    corsHeaders({ method, headers }) {
      if (origins.size === 0) return {};
      const { origin } = headers;
      if (origin === undefined || !origins.has(origin)) return { Vary: 'Origin' };
      return {
        Vary: 'Origin',
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Expose-Headers': '*',
        ...(method === 'OPTIONS' && {
          'Access-Control-Allow-Methods': 'GET, HEAD, POST',
          'Access-Control-Allow-Headers': headers['access-control-request-headers'] ?? '',
          'Access-Control-Max-Age': '600',
        }),
      };
    },
  };
}

/** The name of a Host header, in lower case, without port, brackets and the dot of a full name. */
function readHostName(header: string): string {
  return header
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

/** Only the host is compared: behind a proxy for TLS the scheme is another one. */
function isOriginOf(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase();
}

/** Whatever a client wrote, short and printable. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
