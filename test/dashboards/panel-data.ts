import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { drawnPanels, expressionsOf } from '../../tools/dashboards/drawn-panels.ts';
import type { Series } from './prometheus-process.ts';
import type { Scene } from './scene.ts';

/** What one query of a panel gives, with the legend that Grafana would write. */
export interface QueryData {
  readonly expr: string;
  readonly lines: readonly { readonly legend: string; readonly series: Series }[];
}

export interface PanelData {
  readonly panel: Panel;
  readonly queries: readonly QueryData[];
}

/** Ten scrapes: what Grafana would choose is at least four. */
const RATE_INTERVAL = '10s';

/** All panels of a dashboard with what they would show of the scene. */
export async function dataOf(dashboard: Dashboard, scene: Scene): Promise<readonly PanelData[]> {
  const data: PanelData[] = [];
  for (const panel of drawnPanels(dashboard)) {
    const queries = await Promise.all(expressionsOf(panel).map(query => ask(query, panel, scene)));
    data.push({ panel, queries });
  }
  return data;
}

async function ask(query: { expr: string; legend: string }, panel: Panel, scene: Scene): Promise<QueryData> {
  const { prometheus, time } = scene;
  const expr = withoutVariables(query.expr, scene);
  const found =
    panel.type === 'table' ? await prometheus.instant(expr, time.endMs) : await prometheus.range(expr, time);
  const lines = found.map(series => ({ legend: filled(query.legend, series.labels), series: finite(series) }));
  return { expr, lines: lines.filter(({ series }) => series.values.length > 0) };
}

/** As Grafana does before it asks. */
function withoutVariables(expr: string, { time: { startMs, endMs } }: Scene): string {
  return expr
    .replaceAll('$__rate_interval', RATE_INTERVAL)
    .replaceAll('$__range', `${Math.round((endMs - startMs) / 1_000)}s`)
    .replaceAll(/"\$(namespace|node)"/g, '".*"');
}

function filled(legend: string, labels: Series['labels']): string {
  return legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '');
}

/** Quantiles of nothing are no numbers, and no points in a graph. */
function finite({ labels, values }: Series): Series {
  return { labels, values: values.filter(([, value]) => Number.isFinite(value)) };
}
