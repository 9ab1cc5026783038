import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { escaped } from './draw-graph.ts';
import { formatValue } from './format-value.ts';
import type { PanelData, QueryData } from './panel-data.ts';
import type { TimeRange } from './prometheus-process.ts';

const HEX: Readonly<Record<string, string>> = { green: '#73BF69', orange: '#FF9830', red: '#F2495C', text: '#D8D9DA' };

type Steps = readonly { readonly value: number | null; readonly color: string }[];

/** The last value in large figures. */
export function drawStat({ panel, queries }: PanelData): string {
  const value = queries[0]?.lines[0]?.series.values.at(-1)?.[1];
  if (value === undefined) return '<div class="nothing">No data</div>';
  const { unit = 'short', thresholds } = panel.fieldConfig?.defaults ?? {};
  const isColored = (panel.options as { colorMode?: string } | undefined)?.colorMode === 'value';
  const color = isColored ? colorAt(value, thresholds?.steps ?? []) : HEX.text;
  return `<div class="stat" style="color:${color}">${formatValue(value, unit)}</div>`;
}

/** Rows are joined by the label of the first column. */
export function drawTable({ panel, queries }: PanelData): string {
  const organize = panel.transformations?.find(({ id }) => id === 'organize')?.options as
    | { renameByName: Readonly<Record<string, string>> }
    | undefined;
  const [[row = '', heading = ''] = [], ...columns] = Object.entries(organize?.renameByName ?? {});
  const names = new Set(queries.flatMap(({ lines }) => lines.map(({ series }) => series.labels[row] ?? '')));
  const head = [heading, ...columns.map(([, title]) => title)].map(title => `<th>${escaped(title)}</th>`).join('');
  const body = [...names].sort().map(name => {
    const cells = columns.map(([, title], index) => cell(title, lastValue(queries[index], row, name), panel));
    return `<tr><td class="link">${escaped(name)}</td>${cells.join('')}</tr>`;
  });
  return `<table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}

function lastValue(query: QueryData | undefined, row: string, name: string): number | undefined {
  return query?.lines.find(({ series }) => series.labels[row] === name)?.series.values.at(-1)?.[1];
}

function cell(title: string, value: number | undefined, panel: Panel): string {
  if (value === undefined) return '<td></td>';
  const override = panel.fieldConfig?.overrides.find(({ matcher }) => matcher.options === title);
  const property = (id: string) => override?.properties.find(candidate => candidate.id === id)?.value;
  const mapped = (property('mappings') as { options: Record<string, { text: string }> }[] | undefined)?.[0];
  const steps = (property('thresholds') as { steps: Steps } | undefined)?.steps;
  const decimals = property('decimals') as number | undefined;
  const shown = decimals === undefined ? value : Number(value.toFixed(decimals));
  const text = mapped?.options[`${value}`]?.text ?? formatValue(shown, `${property('unit') ?? 'short'}`);
  return `<td style="color:${steps ? colorAt(value, steps) : HEX.text}">${escaped(text)}</td>`;
}

/** One row for each line, filled where its value is 1. */
export function drawTimeline({ panel, queries }: PanelData, frame: { width: number; time: TimeRange }): string {
  const rows = queries.flatMap(({ lines }) => lines);
  const { width, time } = frame;
  const spanSeconds = (time.endMs - time.startMs) / 1_000;
  const bars = rows.map(({ legend, series }, index) => {
    const cells = series.values.map(([at, value]) => {
      const x = 150 + ((width - 160) * (at - time.startMs / 1_000)) / spanSeconds;
      const color = value === 1 ? '#37872D' : '#1F3A63';
      return `<rect x="${x.toFixed(1)}" y="${index * 60 + 10}" width="${((width - 160) / spanSeconds + 0.6).toFixed(1)}" height="40" fill="${color}"/>`;
    });
    const label = `<text x="142" y="${index * 60 + 34}" text-anchor="end">${escaped(legend)}</text>`;
    return label + cells.join('');
  });
  const texts = panel.fieldConfig?.defaults.mappings?.[0]?.options as Record<string, { text: string }> | undefined;
  const legend = [
    ['#37872D', texts?.['1']?.text ?? '1'],
    ['#1F3A63', texts?.['0']?.text ?? '0'],
  ].map(([color, text]) => `<span><i style="background:${color}"></i>${text}</span>`);
  return `<svg width="${width}" height="${rows.length * 60 + 10}">${bars.join('')}</svg><div class="legend">${legend.join('')}</div>`;
}

function colorAt(value: number, steps: Steps): string {
  const reached = steps.filter(step => step.value === null || value >= step.value);
  return HEX[reached.at(-1)?.color ?? 'text'] ?? '#D8D9DA';
}
