import { expect, test } from 'vitest';
import { dashboardOf } from '../../tools/dashboards/frame.ts';
import { graph, stat } from '../../tools/dashboards/panel.ts';
import { dataOf } from './panel-data.ts';
import type { Series, TimeRange } from './prometheus-process.ts';

const PANEL = { title: 't', unit: 's', description: 'd' };
const DASHBOARD = dashboardOf({
  name: 'n',
  title: 'T',
  description: 'd',
  sections: [
    {
      title: 's',
      panels: [
        graph({
          ...PANEL,
          queries: [{ expr: 'rate(a{namespace=~"$namespace"}[$__rate_interval])', legend: '{{x}} of {{y}}' }],
        }),
        stat({ ...PANEL, queries: [{ expr: 'increase(b{node=~"$node"}[$__range])', legend: 'b' }] }),
      ],
    },
  ],
});

function sceneOf(answer: readonly Series[]) {
  const asked: string[] = [];
  const ask = async (query: string, _: TimeRange | number) => {
    asked.push(query);
    return answer;
  };
  return {
    asked,
    scene: { prometheus: { range: ask, instant: ask, rules: async () => [] }, time: { startMs: 0, endMs: 60_000 } },
  };
}

test('queries are asked without the variables of Grafana', async () => {
  const { asked, scene } = sceneOf([]);
  await dataOf(DASHBOARD, scene);
  expect(asked).toEqual(['rate(a{namespace=~".*"}[10s])', 'increase(b{node=~".*"}[60s])']);
});

test('what is no number is no value, and a line without values is none', async () => {
  const lines: Series[] = [
    {
      labels: { x: '1' },
      values: [
        [1, Number.NaN],
        [2, 5],
      ],
    },
    { labels: { x: '2' }, values: [[1, Number.NaN]] },
  ];
  const [first] = await dataOf(DASHBOARD, sceneOf(lines).scene);
  expect(first?.queries[0]?.lines).toEqual([{ legend: '1 of ', series: { labels: { x: '1' }, values: [[2, 5]] } }]);
});
