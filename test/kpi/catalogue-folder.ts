/** Catalogues for the tests of this folder: folders of their own with the files a test writes, removed afterwards. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { loadCatalogue } from '../../src/kpi/load-catalogue.js';
import { UserError } from '../../src/model/errors.js';
import type { Catalogue } from '../../src/model/kpi.js';

export const CATEGORIES = [
  { id: 'speed', subcategories: [{ id: 'waiting' }, { id: 'volume' }] },
  { id: 'safety', subcategories: [{ id: 'locks' }] },
];

/** A KPI without mistakes; tests replace a line of it. */
export const CHECKOUT = `name: checkout_time
title: Checkout Time
category: speed
subcategory: waiting
description: How long a checkout takes.
owner: shop
unit: s
direction: lower_is_better
target: 2
warning: 3
critical: 5
sources:
  - name: shop
    average: shop.checkout.duration
alerts:
  - { level: critical, severity: high, notify: [email], message: Checkout is slow }
`;

/** The catalogue that Plumbline comes with, placed by the taxonomy that it comes with. */
export function loadShippedCatalogue(): Promise<Catalogue> {
  return loadShipped([]);
}

/** The same with these files of a user over it. */
export function loadOverShipped(own: Record<string, string>): Promise<Catalogue> {
  return loadShipped([makeKpiFolder(own)]);
}

async function loadShipped(folders: string[]): Promise<Catalogue> {
  const builtInFolder = new URL('../../catalogue', import.meta.url).pathname;
  const { categories } = await loadTaxonomy(join(builtInFolder, 'taxonomy.yaml'));
  return loadCatalogue({ folders: [builtInFolder, ...folders], builtInFolder, categories });
}

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with these files, by their path in it; `kpis` is there in any case. */
export function makeFolder(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-catalogue-'));
  made.push(folder);
  mkdirSync(join(folder, 'kpis'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function makeKpiFolder(files: Record<string, string>): string {
  return makeFolder(Object.fromEntries(Object.entries(files).map(([name, text]) => [`kpis/${name}`, text])));
}

/** Built-in files, and those of a user over them; both in kpis/. */
export async function loadFiles(
  builtIn: Record<string, string>,
  own: Record<string, string> = {},
): Promise<{ catalogue: Catalogue; warnings: string[] }> {
  const folders = [makeKpiFolder(builtIn), makeKpiFolder(own)];
  try {
    const catalogue = await loadCatalogue({ folders, builtInFolder: folders[0], categories: CATEGORIES });
    return { catalogue, warnings: catalogue.warnings.map((text) => shorten(text, folders)) };
  } catch (error) {
    if (error instanceof Error) error.message = shorten(error.message, folders);
    throw error;
  }
}

/** The problems of the user's files, one text each, without the names of folders. */
export async function problemsOf(
  own: Record<string, string>,
  builtIn: Record<string, string> = {},
): Promise<string[]> {
  const error = await loadFiles(builtIn, own).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return [];
  expect(error).toBeInstanceOf(UserError);
  const [head, ...lines] = (error as Error).message.split('\n');
  expect(head).toBe(
    `the KPI catalogue has ${lines.length === 1 ? '1 problem' : `${lines.length} problems`}:`,
  );
  return lines.map((line) => line.replace(/^ {2}/, ''));
}

function shorten(text: string, [builtIn, own]: string[]): string {
  return text.replaceAll(`${builtIn}/kpis/`, 'built-in/').replaceAll(`${own}/kpis/`, '');
}
