import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { describe, expect, test } from 'vitest';
import { ALERTS } from '../alerts/alerts.ts';
import { allDashboards, drawnPanels, expressionsOf, isRow } from './drawn-panels.ts';
import { agentMetrics, coordinatorMetrics } from './known-metrics.ts';

/** Labels that a scrape adds to every sample. */
const SCRAPED_LABELS = ['namespace', 'instance', 'node'];
const SUFFIXES = /_(bucket|sum|count)$/;

const KNOWN: ReadonlyMap<string, readonly string[]> = new Map(
  [...agentMetrics(), ...coordinatorMetrics()].map(({ name, labels }) => [name, [...labels, 'le', ...SCRAPED_LABELS]]),
);
const panels = allDashboards().flatMap(dashboard =>
  drawnPanels(dashboard).map(panel => [`${dashboard.title}: ${panel.title}`, panel] as const),
);

function namesIn(expr: string): readonly string[] {
  return [...expr.matchAll(/clb_direct_[a-z_]+/g)].map(([name]) => name);
}

/** Labels that are matched or grouped by. */
function labelsIn(expr: string): readonly string[] {
  const matched = [...expr.matchAll(/([a-z_]+)\s*(?:=~|!=|!~|=)\s*"/g)].map(([, label]) => label ?? '');
  const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels]) => (labels ?? '').split(/, */));
  return [...matched, ...grouped];
}

function expectKnown(expr: string): void {
  const names = namesIn(expr).map(name => (KNOWN.has(name) ? name : name.replace(SUFFIXES, '')));
  expect(names).not.toEqual([]);
  for (const name of names) expect([...KNOWN.keys()]).toContain(name);
  const labels = new Set(names.flatMap(name => KNOWN.get(name) ?? []));
  for (const label of labelsIn(expr)) expect([...labels]).toContain(label);
}

describe.each(panels)('the panel %s', (_, panel: Panel) => {
  test('has a title, a unit, and a description that tells what is normal', () => {
    expect(panel.title).not.toBe('');
    expect(panel.fieldConfig?.defaults.unit).toBeTruthy();
    expect(panel.description).toMatch(/Normal: |Empty while/);
    expect(panel.datasource?.uid).toBe('$datasource');
  });

  test('asks for metrics and labels that there are, of the chosen instances alone', () => {
    for (const { expr } of expressionsOf(panel)) {
      expectKnown(expr);
      expect(expr.match(/clb_direct_[a-z_]+/g)?.length).toBe(expr.match(/namespace=~"\$namespace"/g)?.length);
    }
  });
});

test.each(ALERTS.map(({ name, expr }) => [name, expr] as const))('the alert %s asks for what there is', (_, expr) => {
  expectKnown(expr);
});

describe.each(allDashboards().map(dashboard => [dashboard.title ?? '', dashboard] as const))('%s', (_, dashboard) => {
  test('has panels that do not lie over each other, each with an id of its own', () => {
    const all = dashboard.panels ?? [];
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const cells = all.flatMap(({ gridPos }) => {
      const { x, y, w, h } = gridPos ?? { x: 0, y: 0, w: 0, h: 0 };
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_cell, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  test('lets people choose the data source and the instance', () => {
    const names = dashboard.templating?.list?.map(({ name }) => name);
    expect(names?.slice(0, 2)).toEqual(['datasource', 'namespace']);
  });

  test('names its panels so that none is taken for another', () => {
    const titles = drawnPanels(dashboard).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    expect((dashboard.panels ?? []).filter(isRow).length).toBeGreaterThan(0);
  });
});
