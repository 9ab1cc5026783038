import * as common from '@grafana/grafana-foundation-sdk/common';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as StateTimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

export const DATASOURCE: common.DataSourceRef = { type: 'prometheus', uid: '$datasource' };
const GRAPH_HEIGHT = 8;
const STAT_HEIGHT = 4;
/** The whole width of a dashboard. */
export const WIDTH = 24;

export interface Query {
  readonly expr: string;
  /** What Grafana writes into the legend; labels in double braces. */
  readonly legend: string;
}

export interface PanelOptions {
  readonly title: string;
  /** Grafana's id of a unit: `s`, `bytes`, `short`, `percentunit` … */
  readonly unit: string;
  /** What is shown, and what is normal. */
  readonly description: string;
  readonly queries: readonly Query[];
  /** Of 24. */
  readonly width?: number;
}

/** Values from which on something is worth a look, or wrong. */
export interface Limits {
  readonly orange: number;
  readonly red?: number;
  /** Small values are the bad ones. */
  readonly isFloor?: boolean;
}

/** A panel as Grafana takes it, without its place. */
export interface Builder {
  build(): Panel;
}

export function graph(options: PanelOptions & { readonly isStacked?: boolean; readonly max?: number }): Builder {
  const { title, description, unit, isStacked = false, width = WIDTH / 3 } = options;
  const legend = new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
    .showLegend(true);
  const stacking = new common.StackingConfigBuilder().mode(
    isStacked ? common.StackingMode.Normal : common.StackingMode.None,
  );
  const panel = new GraphBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .min(0)
    .span(width)
    .height(GRAPH_HEIGHT)
    .legend(legend)
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi))
    .lineWidth(2)
    .fillOpacity(isStacked ? 40 : 10)
    .showPoints(common.VisibilityMode.Auto)
    .spanNulls(false)
    .stacking(stacking);
  if (options.max !== undefined) panel.max(options.max);
  return panel.targets(options.queries.map(rangeQuery));
}

export function stat(options: PanelOptions & { readonly limits?: Limits }): Builder {
  const { title, description, unit, queries, limits, width = WIDTH / 6 } = options;
  const reduce = new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']);
  return new StatBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .span(width)
    .height(STAT_HEIGHT)
    .reduceOptions(reduce)
    .colorMode(limits ? common.BigValueColorMode.Value : common.BigValueColorMode.None)
    .graphMode(common.BigValueGraphMode.Area)
    .thresholds(thresholds(limits))
    .targets(queries.map(rangeQuery));
}

/** One row for each legend: when a value of 1 held. */
export function timeline(options: PanelOptions & { readonly texts: Readonly<Record<string, string>> }): Builder {
  const { title, description, unit, queries, texts, width = WIDTH / 3 } = options;
  return new StateTimelineBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .span(width)
    .height(GRAPH_HEIGHT)
    .mappings([
      {
        type: dashboard.MappingType.ValueToText,
        options: {
          '0': { text: texts['0'] ?? '0', color: 'dark-blue', index: 0 },
          '1': { text: texts['1'] ?? '1', color: 'green', index: 1 },
        },
      },
    ])
    .mergeValues(true)
    .showValue(common.VisibilityMode.Auto)
    .targets(queries.map(rangeQuery));
}

export interface Column extends Query {
  readonly unit: string;
  readonly decimals?: number;
  readonly limits?: Limits;
  /** Instead of 0 and 1. */
  readonly texts?: Readonly<Record<string, string>>;
}

export interface TableOptions extends Omit<PanelOptions, 'unit' | 'queries'> {
  /** The label that makes a row. */
  readonly row: string;
  /** Where a click on the row's name leads. */
  readonly link: { readonly title: string; readonly url: string };
  /** Each expression gives one value for each row; `legend` is the heading. */
  readonly columns: readonly Column[];
  readonly height: number;
}

/** One row for each value of a label, as it is now. */
export function table({ title, description, row, link, columns, height, width = WIDTH }: TableOptions): Builder {
  const refs = columns.map((_, index) => refId(index));
  const renames = Object.fromEntries(columns.map(({ legend }, index) => [`Value #${refs[index]}`, legend]));
  const links = [{ title: link.title, url: link.url }];
  const panel = new TableBuilder()
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit('short')
    .span(width)
    .height(height)
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries([row, ...refs.map(ref => `Value #${ref}`)].map((name, index) => [name, index])),
        renameByName: { [row]: capitalised(row), ...renames },
      },
    })
    .overrideByName(capitalised(row), [{ id: 'links', value: links }])
    .targets(columns.map(({ expr }, index) => instantQuery(expr, refs[index] ?? '')));
  for (const column of columns) panel.overrideByName(column.legend, propertiesOf(column));
  return panel;
}

function propertiesOf({ unit, decimals, limits, texts }: Column): dashboard.DynamicConfigValue[] {
  const properties: dashboard.DynamicConfigValue[] = [{ id: 'unit', value: unit }];
  if (decimals !== undefined) properties.push({ id: 'decimals', value: decimals });
  if (limits) {
    properties.push({ id: 'thresholds', value: thresholds(limits).build() });
    properties.push({ id: 'custom.cellOptions', value: { type: 'color-text' } });
  }
  if (texts) {
    const options = Object.fromEntries(Object.entries(texts).map(([value, text], index) => [value, { text, index }]));
    properties.push({ id: 'mappings', value: [{ type: 'value', options }] });
  }
  return properties;
}

function thresholds(limits: Limits | undefined): dashboard.ThresholdsConfigBuilder {
  const builder = new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute);
  if (!limits) return builder.steps([{ value: null, color: 'green' }]);
  const { orange, red, isFloor = false } = limits;
  const steps = isFloor
    ? [step(null, 'red'), ...(red === undefined ? [] : [step(red, 'orange')]), step(orange, 'green')]
    : [step(null, 'green'), step(orange, 'orange'), ...(red === undefined ? [] : [step(red, 'red')])];
  return builder.steps(steps);
}

function step(value: number | null, color: string): dashboard.Threshold {
  return { value, color };
}

function rangeQuery({ expr, legend }: Query, index: number): DataqueryBuilder {
  return new DataqueryBuilder().expr(expr).legendFormat(legend).refId(refId(index)).range();
}

function instantQuery(expr: string, ref: string): DataqueryBuilder {
  return new DataqueryBuilder().expr(expr).refId(ref).instant().format(PromQueryFormat.Table);
}

function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
