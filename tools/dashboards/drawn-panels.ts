import type { Dashboard, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import { clbDashboard } from './clb.ts';
import { healthDashboard } from './health.ts';
import { nodesDashboard } from './nodes.ts';
import { podChangesDashboard } from './pod-changes.ts';

/** All dashboards, in the order in which people read them. */
export function allDashboards(): readonly Dashboard[] {
  return [nodesDashboard(), podChangesDashboard(), clbDashboard(), healthDashboard()];
}

/** The panels that show something. */
export function drawnPanels({ panels = [] }: Dashboard): readonly Panel[] {
  return panels.filter((panel): panel is Panel => !isRow(panel));
}

/** The expressions of a panel, as Grafana has them: with variables. */
export function expressionsOf({ targets = [] }: Panel): readonly { readonly expr: string; readonly legend: string }[] {
  return targets.map(target => {
    const { expr = '', legendFormat = '' } = target as { expr?: string; legendFormat?: string };
    return { expr, legend: legendFormat };
  });
}

export function isRow(panel: Panel | RowPanel): panel is RowPanel {
  return panel.type === 'row';
}
