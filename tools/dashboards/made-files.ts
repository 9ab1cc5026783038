import { rulesFile } from '../alerts/rules-file.ts';
import { allDashboards } from './drawn-panels.ts';
import { metricsPage } from './metrics-page.ts';

const CHART = 'charts/clb-direct';

/** Dashboards and alerts of the chart, and the page of metrics; by path in the repository. */
export function madeFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...allDashboards().map(dashboard => {
      const name = (dashboard.uid ?? '').replace(/^clb-direct-/, '');
      return [`${CHART}/dashboards/${name}.json`, `${JSON.stringify(dashboard, null, 2)}\n`] as const;
    }),
    [`${CHART}/files/rules.yaml`, rulesFile()],
    ['docs/metrics.md', metricsPage()],
  ]);
}
