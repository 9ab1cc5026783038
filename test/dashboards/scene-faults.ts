import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { ALERTS } from '../../tools/alerts/alerts.ts';
import { allDashboards } from '../../tools/dashboards/drawn-panels.ts';
import { dataOf, type PanelData } from './panel-data.ts';
import type { Scene } from './scene.ts';

export interface Findings {
  readonly dashboards: readonly { readonly dashboard: Dashboard; readonly panels: readonly PanelData[] }[];
  /** What is without data or does not work, a line each. */
  readonly faults: readonly string[];
}

/** Asks for everything that dashboards and alerts ask for. */
export async function lookAt(scene: Scene): Promise<Findings> {
  const dashboards: { dashboard: Dashboard; panels: readonly PanelData[] }[] = [];
  for (const dashboard of allDashboards()) dashboards.push({ dashboard, panels: await dataOf(dashboard, scene) });
  const empty = dashboards.flatMap(({ dashboard, panels }) => panels.flatMap(panel => emptyQueries(dashboard, panel)));
  return { dashboards, faults: [...empty, ...(await alertFaults(scene))] };
}

function emptyQueries({ title }: Dashboard, { panel, queries }: PanelData): string[] {
  return queries
    .filter(({ lines }) => lines.length === 0)
    .map(({ expr }) => `${title}: the panel "${panel.title}" shows nothing for ${expr}`);
}

/** Alerts that Prometheus could not work out, and those about something that nobody reports. */
async function alertFaults({ prometheus, time }: Scene): Promise<string[]> {
  const rules = new Map((await prometheus.rules()).map(rule => [rule.name, rule]));
  const faults = ALERTS.map(async ({ name, expr }) => {
    const rule = rules.get(name);
    if (rule?.health !== 'ok') return [`the alert ${name} is not well: ${rule?.lastError ?? 'Prometheus has no such'}`];
    const [metric = ''] = expr.match(/clb_direct_\w+/) ?? [];
    const found = await prometheus.instant(metric, time.endMs);
    return found.length > 0 ? [] : [`the alert ${name} asks for ${metric}, which nobody reports`];
  });
  return (await Promise.all(faults)).flat();
}
