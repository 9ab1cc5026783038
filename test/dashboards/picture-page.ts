import type { Dashboard, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import { isRow } from '../../tools/dashboards/drawn-panels.ts';
import { drawGraph, escaped } from './draw-graph.ts';
import { drawStat, drawTable, drawTimeline } from './draw-values.ts';
import type { PanelData } from './panel-data.ts';
import type { TimeRange } from './prometheus-process.ts';

export interface Page {
  readonly html: string;
  readonly width: number;
  readonly height: number;
}

const WIDTH = 1_600;
const COLUMN = WIDTH / 24;
/** Grafana's own. */
const UNIT = 38;
const GAP = 8;
const HEADING = 52;

const STYLE = `
body { margin: 0; background: #111217; color: #ccccdc; font: 12px Inter, "DejaVu Sans", sans-serif; width: ${WIDTH}px; }
h1 { font-size: 20px; font-weight: 500; margin: 0; padding: 14px 16px; }
.row, .panel { position: absolute; box-sizing: border-box; }
.row { font-size: 15px; padding: 10px 12px; color: #e6e6f0; }
.panel { background: #181b1f; border: 1px solid #2a2d33; border-radius: 2px; overflow: hidden; padding: 6px 8px; }
.title { font-weight: 500; font-size: 13px; padding-bottom: 4px; white-space: nowrap; overflow: hidden; }
.stat { font-size: 34px; font-weight: 500; text-align: center; padding-top: 26px; }
.nothing { color: #6e7080; text-align: center; padding-top: 30px; }
.legend { font-size: 11px; line-height: 16px; } .legend span { margin-right: 12px; white-space: nowrap; display: inline-block; }
.legend i { display: inline-block; width: 12px; height: 3px; margin-right: 5px; vertical-align: middle; }
svg text { fill: #9a9bab; font-size: 10.5px; } .grid { stroke: #2a2d33; stroke-width: 1; }
table { border-collapse: collapse; width: 100%; font-size: 13px; } th { text-align: left; color: #6e9fff; font-weight: 500; }
th, td { padding: 7px 8px; border-bottom: 1px solid #2a2d33; } .link { color: #6e9fff; }
`;

/** A dashboard in Grafana's dark theme, near enough for a person to judge it. */
export function picturePage(dashboard: Dashboard, data: readonly PanelData[], time: TimeRange): Page {
  const all = dashboard.panels ?? [];
  const bottom = Math.max(...all.map(({ gridPos }) => (gridPos?.y ?? 0) + (gridPos?.h ?? 0)));
  const parts = all.map(panel => (isRow(panel) ? rowPart(panel) : panelPart(panel, data, time)));
  const html = `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><h1>${escaped(dashboard.title ?? '')}</h1>${parts.join('\n')}`;
  return { html, width: WIDTH, height: HEADING + bottom * UNIT + GAP };
}

function rowPart(row: RowPanel): string {
  const title = (row.title ?? '').replaceAll('$node', 'all nodes');
  return `<div class="row" style="${placeOf(row)}">${escaped(title)}</div>`;
}

function panelPart(panel: Panel, data: readonly PanelData[], time: TimeRange): string {
  const own = data.find(candidate => candidate.panel.id === panel.id);
  const { w = 0, h = 0 } = panel.gridPos ?? {};
  const frame = { width: w * COLUMN - GAP - 20, height: h * UNIT - GAP - 36, time };
  const content = own ? drawn(own, frame) : '';
  return `<div class="panel" style="${placeOf(panel)}"><div class="title">${escaped(panel.title ?? '')}</div>${content}</div>`;
}

function drawn(data: PanelData, frame: { width: number; height: number; time: TimeRange }): string {
  const { panel, queries } = data;
  switch (panel.type) {
    case 'stat':
      return drawStat(data);
    case 'table':
      return drawTable(data);
    case 'state-timeline':
      return drawTimeline(data, frame);
    default: {
      const { unit = 'short', custom } = panel.fieldConfig?.defaults ?? {};
      const isStacked = (custom as { stacking?: { mode?: string } } | undefined)?.stacking?.mode === 'normal';
      return drawGraph(queries, { ...frame, unit, isStacked });
    }
  }
}

function placeOf({ gridPos }: Panel | RowPanel): string {
  const { x, y, w, h } = gridPos ?? { x: 0, y: 0, w: 24, h: 1 };
  const sizes = `width:${w * COLUMN - GAP}px;height:${h * UNIT - GAP}px`;
  return `left:${x * COLUMN + GAP / 2}px;top:${HEADING + y * UNIT}px;${sizes}`;
}
