import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { madeFiles } from './dashboards/made-files.ts';

/** `npm run dashboards`: writes dashboards, alerts and the page of metrics; `--check` only tells which are not up to date. */

const ROOT = join(import.meta.dirname, '..');

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const outdated = [...madeFiles()].filter(([path, text]) => textOf(path) !== text);
if (values.check) {
  for (const [path] of outdated) console.log(`${path} is not what npm run dashboards makes`);
  process.exitCode = outdated.length === 0 ? 0 : 1;
} else {
  for (const [path, text] of outdated) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
    console.log(`written ${path}`);
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return undefined;
  }
}
