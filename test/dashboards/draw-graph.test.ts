import { expect, test } from 'vitest';
import { drawGraph, type GraphFrame } from './draw-graph.ts';
import type { QueryData } from './panel-data.ts';

const FRAME: GraphFrame = {
  width: 400,
  height: 200,
  unit: 'short',
  time: { startMs: 0, endMs: 10_000 },
  isStacked: false,
};

function query(...lines: readonly (readonly [number, number])[][]): QueryData {
  return {
    expr: 'x',
    lines: lines.map((values, index) => ({ legend: `line ${index}`, series: { labels: {}, values } })),
  };
}

function heightsIn(svg: string): number[] {
  const [, points = ''] = svg.match(/polyline points="([^"]*)"/) ?? [];
  return points.split(' ').map(point => Number(point.split(',')[1]));
}

test('a line breaks off where there is no value', () => {
  const svg = drawGraph(
    [
      query([
        [1, 5],
        [2, 5],
        [7, 5],
        [8, 5],
      ]),
    ],
    FRAME,
  );
  expect(svg.match(/<polyline/g)?.length).toBe(2);
});

test('greater values lie higher, and stacked lines lie on each other', () => {
  const [low = 0, high = 0] = heightsIn(
    drawGraph(
      [
        query([
          [1, 1],
          [2, 3],
        ]),
      ],
      FRAME,
    ),
  );
  expect(high).toBeLessThan(low);
  const twoLines = query(
    [
      [1, 4],
      [2, 4],
    ],
    [
      [1, 4],
      [2, 4],
    ],
  );
  expect(drawGraph([twoLines], FRAME)).toContain('>5<');
  expect(drawGraph([twoLines], { ...FRAME, isStacked: true })).toContain('>10<');
});

test('legends are escaped, and a graph without values says so', () => {
  const named = { expr: 'x', lines: [{ legend: '<b>', series: { labels: {}, values: [[1, 1]] as const } }] };
  expect(drawGraph([named], FRAME)).toContain('&#60;b&#62;');
  expect(drawGraph([{ expr: 'x', lines: [] }], FRAME)).toContain('No data');
});
