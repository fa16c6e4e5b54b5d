/**
 * The address of a page as an attribute: its path, so that queries, fragments and origins do not make a series each.
 * Enters: a full address or a path; leaves: a path that begins with a slash. Identifiers within the path are the app's
 * to replace, with normalisePageUrl.
 */

const BASE = 'http://page.invalid/';

/** `https://shop.example/cart?item=7#top` and `/cart?item=7` are both `/cart`. */
export function readPagePath(pageUrl: string): string {
  try {
    const { pathname } = new URL(pageUrl, BASE);
    return pathname === '' ? '/' : pathname;
  } catch {
    throw new TypeError(`pageUrl must be an address or a path, was ${JSON.stringify(pageUrl)}`);
  }
}
