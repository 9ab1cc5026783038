/** `npm run chart-docs`: writes the chart's README.md and values.schema.json. With `--check` it only looks whether they fit. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { chartReadme } from './chart-readme.ts';
import { chartSchema } from './chart-schema.ts';
import { chartValues } from './chart-values.ts';

const CHART = join(import.meta.dirname, '../charts/clb-direct');

const values = chartValues(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as { description: string };
const made = [
  { file: join(CHART, 'README.md'), text: chartReadme(chart, values) },
  { file: join(CHART, 'values.schema.json'), text: `${JSON.stringify(chartSchema(values), undefined, 2)}\n` },
];
if (process.argv.includes('--check')) {
  const old = made.filter(({ file, text }) => readFileSync(file, 'utf8') !== text);
  for (const { file } of old) console.error(`${relative(process.cwd(), file)} is not what values.yaml says`);
  process.exitCode = old.length > 0 ? 1 : 0;
} else {
  for (const { file, text } of made) writeFileSync(file, text);
}
