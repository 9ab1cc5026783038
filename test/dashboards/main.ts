import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { systemClock } from '../../common/clock.ts';
import { LOW_PORTS_ADVICE, mayListenOnLowPorts } from '../../sandbox/cluster/low-ports.ts';
import { ALERTS } from '../../tools/alerts/alerts.ts';
import { drawPicture, missingBrowser } from './browser-process.ts';
import type { PanelData } from './panel-data.ts';
import { picturePage } from './picture-page.ts';
import { missingPrometheus } from './prometheus-process.ts';
import { playScene, type Scene } from './scene.ts';
import { lookAt } from './scene-faults.ts';

const HELP = `npm run test:dashboards [-- --pictures FOLDER]

Plays a rollout in a sandbox before a real Prometheus, and checks that every panel and every alert has the data it asks for.

  --pictures FOLDER   also draws each dashboard with that data into a PNG there (needs chromium)`;

/** @returns what is wrong, a line each */
async function report(scene: Scene, folder: string | undefined): Promise<readonly string[]> {
  const { dashboards, faults } = await lookAt(scene);
  for (const { dashboard, panels } of dashboards) if (folder !== undefined) draw(dashboard, panels, { folder, scene });
  const panelCount = dashboards.reduce((sum, { panels }) => sum + panels.length, 0);
  console.log(await seriesCounts(scene));
  console.log(`${panelCount} panels and ${ALERTS.length} alerts looked at`);
  return faults;
}

function draw(dashboard: Dashboard, panels: readonly PanelData[], into: { folder: string; scene: Scene }): void {
  mkdirSync(into.folder, { recursive: true });
  const file = join(into.folder, `${dashboard.uid}.png`);
  drawPicture(picturePage(dashboard, panels, into.scene.time), file);
  console.log(`drawn: ${file}`);
}

/** How many series each process has, the largest. */
async function seriesCounts({ prometheus, time }: Scene): Promise<string> {
  const counts = ['coordinators', 'agents'].map(async job => {
    const query = `max(count by (instance) ({job="${job}", __name__=~"clb_direct_.*"}))`;
    const [series] = await prometheus.instant(query, time.endMs);
    return `${series?.values[0]?.[1] ?? 0} series from each of the ${job}`;
  });
  return (await Promise.all(counts)).join(', ');
}

const { values } = parseArgs({ options: { pictures: { type: 'string' }, help: { type: 'boolean', default: false } } });
const lacking =
  missingPrometheus() ??
  ((await mayListenOnLowPorts()) ? undefined : LOW_PORTS_ADVICE) ??
  (values.pictures === undefined ? undefined : missingBrowser());
if (values.help) console.log(HELP);
else if (lacking !== undefined) console.log(`skipped: ${lacking}`);
else {
  const folder = values.pictures === undefined ? undefined : resolve(values.pictures);
  const faults = await playScene({ clock: systemClock(), say: line => console.log(line) }, scene =>
    report(scene, folder),
  );
  for (const fault of faults) console.log(fault);
  console.log(faults.length === 0 ? 'every panel and every alert has its data' : `${faults.length} without data`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
