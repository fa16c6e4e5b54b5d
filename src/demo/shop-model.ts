/**
 * What the shop consists of: its services, routes, pages and how long a good answer takes. Enters nothing; leaves
 * tables that the live shop, its visitors and the generated history share. No behaviour beyond looking things up.
 */
import type { Random } from './random.js';

export const SERVICES = ['catalogue', 'search', 'cart', 'checkout', 'account'] as const;
export type ServiceName = (typeof SERVICES)[number];

export interface Route {
  method: 'GET' | 'POST';
  /** Path template; `http.route` and the attribute `endpoint`. */
  endpoint: string;
  service: ServiceName;
  /** Share of the traffic, relative to the other routes. */
  weight: number;
  medianMs: number;
  /** Spread of the latency, in natural logarithms. */
  sigma: number;
  /** Share of requests for something that does not exist. */
  notFoundShare: number;
  /** The page a browser shows for it; without one the request comes from a page. */
  pageUrl?: string;
  /** What a visitor is about when a task ends here. */
  task: 'find_product' | 'fill_cart' | 'place_order' | 'manage_account';
}

export const ROUTES: readonly Route[] = [
  route('GET', '/', 'catalogue', { weight: 14, medianMs: 25, sigma: 0.35, task: 'find_product' }),
  route('GET', '/products', 'catalogue', { weight: 18, medianMs: 45, sigma: 0.4, task: 'find_product' }),
  route('GET', '/products/{id}', 'catalogue', {
    weight: 26,
    medianMs: 35,
    sigma: 0.4,
    task: 'find_product',
    notFoundShare: 0.01,
  }),
  route('GET', '/search', 'search', { weight: 16, medianMs: 90, sigma: 0.5, task: 'find_product' }),
  route('GET', '/cart', 'cart', { weight: 8, medianMs: 30, sigma: 0.35, task: 'fill_cart' }),
  route('POST', '/cart/items', 'cart', { weight: 8, medianMs: 40, sigma: 0.4, task: 'fill_cart' }),
  route('POST', '/orders', 'checkout', { weight: 5, medianMs: 120, sigma: 0.4, task: 'place_order' }),
  route('GET', '/account', 'account', { weight: 5, medianMs: 55, sigma: 0.4, task: 'manage_account' }),
];

/** The provider that every order calls over HTTP. */
export const PAYMENT = { path: '/charges', medianMs: 140, sigma: 0.35, failureShare: 0.003 } as const;

/** Some requests take much longer than the others, incident or not. */
export const LATENCY_TAIL = { share: 0.004, factor: 9 } as const;
/** After this the shop gives up and answers 504. */
export const REQUEST_TIMEOUT_MS = 4_000;
/** Slower than this counts as slow in the demo's reports. */
export const SLOW_MS = 1_000;

export type ErrorType = 'exception' | 'overload' | 'timeout' | 'upstream';
export const STATUS_OF_ERROR: Readonly<Record<ErrorType, number>> = {
  exception: 500,
  upstream: 502,
  overload: 503,
  timeout: 504,
};
/** How failures that do not come from the payment provider divide. */
export const ERROR_MIX: readonly { type: ErrorType; weight: number }[] = [
  { type: 'exception', weight: 6 },
  { type: 'overload', weight: 3 },
  { type: 'timeout', weight: 1 },
];

/** Products that exist are numbered from 1. */
export const PRODUCTS_MAX = 400;
const WORDS = ['lamp', 'chair', 'desk', 'rug', 'shelf', 'clock', 'mirror', 'vase'];

/** A path as a browser would ask for it. */
export function drawPath(route: Route, random: Random): string {
  if (route.endpoint === '/search') return `/search?q=${random.pick(WORDS)}`;
  if (route.endpoint !== '/products/{id}') return route.endpoint;
  const offset = random.chance(route.notFoundShare) ? PRODUCTS_MAX : 0;
  return `/products/${offset + 1 + Math.floor(random.uniform() * PRODUCTS_MAX)}`;
}

export function findRoute(method: string, path: string): Route | undefined {
  const endpoint = path.startsWith('/products/') ? '/products/{id}' : path;
  return ROUTES.find((route) => route.method === method && route.endpoint === endpoint);
}

/** Median of a route's latency under load and trouble: traffic above 1 slows everything a little. */
export function readMedianMs(medianMs: number, trafficFactor: number, slowFactor: number): number {
  return medianMs * (0.8 + 0.2 * trafficFactor) * slowFactor;
}

/** What a browser gets is a page, what it posts is not. */
function route(
  method: Route['method'],
  endpoint: string,
  service: ServiceName,
  rest: Pick<Route, 'weight' | 'medianMs' | 'sigma' | 'task'> & { notFoundShare?: number },
): Route {
  const page = method === 'GET' ? { pageUrl: endpoint } : {};
  return { method, endpoint, service, notFoundShare: 0, ...page, ...rest };
}
