import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { type Builder, DATASOURCE } from './panel.ts';

const TAG = 'clb-direct';

export interface Section {
  readonly title: string;
  readonly panels: readonly Builder[];
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  /** A metric without the prefix, and the label of it whose values may be chosen. */
  readonly metric: string;
  readonly of: string;
}

export interface DashboardOptions {
  /** Also the end of its address in Grafana and the name of its file. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly variables?: readonly Variable[];
  readonly sections: readonly Section[];
}

const INSTANCES: Variable = { name: 'namespace', label: 'Namespace', metric: 'leader', of: 'namespace' };

/** What all dashboards have in common: variables, links to each other, and rows with titles. */
export function dashboardOf({ name, title, description, variables = [], sections }: DashboardOptions): Dashboard {
  const builder = new DashboardBuilder(`clb-direct / ${title}`)
    .uid(`clb-direct-${name}`)
    .description(description)
    .tags([TAG])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .link(
      new DashboardLinkBuilder('clb-direct')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(false)
        .includeVars(true)
        .keepTime(true),
    );
  for (const variable of [INSTANCES, ...variables]) builder.withVariable(chosenBy(variable));
  for (const section of sections) {
    builder.withRow(new RowBuilder(section.title));
    for (const panel of section.panels) builder.withPanel(panel);
  }
  const dashboard = builder.build();
  return { ...dashboard, panels: dashboard.panels?.map((panel, index) => ({ ...panel, id: index + 1 })) ?? [] };
}

/** All of them at first; scrapes that bring no such label are taken too. */
function chosenBy({ name, label, metric, of }: Variable): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(`label_values(clb_direct_${metric}, ${of})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' });
}
