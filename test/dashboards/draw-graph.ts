import { formatValue } from './format-value.ts';
import type { QueryData } from './panel-data.ts';
import type { TimeRange } from './prometheus-process.ts';

/** Grafana's classic palette. */
const COLORS = [
  '#7EB26D',
  '#EAB839',
  '#6ED0E0',
  '#EF843C',
  '#E24D42',
  '#1F78C1',
  '#BA43A9',
  '#705DA0',
  '#508642',
  '#CCA300',
] as const;

export interface GraphFrame {
  readonly width: number;
  readonly height: number;
  readonly unit: string;
  readonly time: TimeRange;
  readonly isStacked: boolean;
}

interface Line {
  readonly legend: string;
  readonly color: string;
  /** Top of the line at each moment. */
  readonly points: readonly (readonly [at: number, value: number])[];
  /** Where the line begins when lines are stacked. */
  readonly base: ReadonlyMap<number, number>;
}

const MARGIN = { left: 62, right: 8, top: 6, bottom: 20 };
const GRID_LINES = 4;
const TIME_MARKS = 5;
const LEGEND_MAX = 12;

function colorOf(index: number): string {
  return COLORS[index % COLORS.length] ?? COLORS[0];
}

/** Lines over time with axes and legend, as SVG and HTML. */
export function drawGraph(queries: readonly QueryData[], frame: GraphFrame): string {
  const lines = linesOf(queries, frame.isStacked);
  if (lines.length === 0) return '<div class="nothing">No data</div>';
  const legendHeight = Math.ceil(Math.min(lines.length, LEGEND_MAX) / 3) * 16;
  const plot = { ...frame, height: Math.max(60, frame.height - legendHeight) };
  const scale = scaleOf(lines, plot);
  const drawn = lines.map(line => drawLine(line, scale, frame.isStacked)).join('');
  return `<svg width="${plot.width}" height="${plot.height}">${axes(scale, plot)}${drawn}</svg>${legendOf(lines)}`;
}

function linesOf(queries: readonly QueryData[], isStacked: boolean): Line[] {
  const tops = new Map<number, number>();
  return queries
    .flatMap(query => query.lines)
    .map(({ legend, series }, index) => {
      const base = new Map(tops);
      const points = series.values.map(([at, value]) => [at, value + (isStacked ? (base.get(at) ?? 0) : 0)] as const);
      if (isStacked) for (const [at, top] of points) tops.set(at, top);
      return { legend: legend || 'value', color: colorOf(index), points, base };
    });
}

interface Scale {
  readonly top: number;
  x(at: number): number;
  y(value: number): number;
}

function scaleOf(lines: readonly Line[], { width, height, time }: GraphFrame): Scale {
  const greatest = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const top = roundTop(greatest > 0 ? greatest * 1.05 : 1);
  const [startSeconds, endSeconds] = [time.startMs / 1_000, time.endMs / 1_000];
  const innerWidth = width - MARGIN.left - MARGIN.right;
  const innerHeight = height - MARGIN.top - MARGIN.bottom;
  return {
    top,
    x: at => MARGIN.left + (innerWidth * (at - startSeconds)) / (endSeconds - startSeconds),
    y: value => MARGIN.top + innerHeight * (1 - Math.max(0, value) / top),
  };
}

/** The next value that divides well. */
function roundTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 5, 8, 10].find(factor => value <= factor * power) ?? 10;
  return step * power;
}

function axes(scale: Scale, { width, height, unit, time }: GraphFrame): string {
  const grid = Array.from({ length: GRID_LINES + 1 }, (_, index) => (scale.top * index) / GRID_LINES).map(value => {
    const y = scale.y(value).toFixed(1);
    const label = `<text x="${MARGIN.left - 6}" y="${Number(y) + 4}" text-anchor="end">${formatValue(value, unit)}</text>`;
    return `<line x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${y}" y2="${y}" class="grid"/>${label}`;
  });
  const marks = Array.from({ length: TIME_MARKS }, (_, index) => {
    const at = time.startMs + ((time.endMs - time.startMs) * index) / (TIME_MARKS - 1);
    const anchor = index === 0 ? 'start' : index === TIME_MARKS - 1 ? 'end' : 'middle';
    const text = new Date(at).toISOString().slice(11, 19);
    return `<text x="${scale.x(at / 1_000).toFixed(1)}" y="${height - 4}" text-anchor="${anchor}">${text}</text>`;
  });
  return [...grid, ...marks].join('');
}

function drawLine({ color, points, base }: Line, scale: Scale, isStacked: boolean): string {
  return gapless(points)
    .map(run => {
      const path = run.map(([at, value]) => `${scale.x(at).toFixed(1)},${scale.y(value).toFixed(1)}`);
      const [first, last] = [run[0]?.[0] ?? 0, run.at(-1)?.[0] ?? 0];
      const bottom = isStacked
        ? [...run].reverse().map(([at]) => `${scale.x(at).toFixed(1)},${scale.y(base.get(at) ?? 0).toFixed(1)}`)
        : [
            `${scale.x(last).toFixed(1)},${scale.y(0).toFixed(1)}`,
            `${scale.x(first).toFixed(1)},${scale.y(0).toFixed(1)}`,
          ];
      const area = `<polygon points="${[...path, ...bottom].join(' ')}" fill="${color}" opacity="${isStacked ? 0.45 : 0.1}"/>`;
      const line = `<polyline points="${path.join(' ')}" fill="none" stroke="${color}" stroke-width="1.6"/>`;
      const dot =
        run.length === 1
          ? `<circle cx="${scale.x(first).toFixed(1)}" cy="${path[0]?.split(',')[1]}" r="2.5" fill="${color}"/>`
          : '';
      return area + line + dot;
    })
    .join('');
}

/** A graph without `spanNulls` breaks off where there is no value. */
function gapless(points: Line['points']): Line['points'][] {
  const runs: (readonly [number, number])[][] = [];
  let before = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    if (point[0] - before > 1.5) runs.push([]);
    runs.at(-1)?.push(point);
    before = point[0];
  }
  return runs;
}

function legendOf(lines: readonly Line[]): string {
  const shown = lines.slice(0, LEGEND_MAX);
  const items = shown.map(({ legend, color }) => `<span><i style="background:${color}"></i>${escaped(legend)}</span>`);
  const rest = lines.length > LEGEND_MAX ? `<span>and ${lines.length - LEGEND_MAX} more</span>` : '';
  return `<div class="legend">${items.join('')}${rest}</div>`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`);
}
