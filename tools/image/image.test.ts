import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { COMMANDS } from './launcher.ts';
import { writeProductFiles } from './product-files.ts';
import { PROGRAMS } from './product-root.ts';

const execute = promisify(execFile);
const dockerfile = readFileSync(join(import.meta.dirname, '../../Dockerfile'), 'utf8');

test('the Dockerfile installs the packages that the image of `npm run image` has its programs from', () => {
  const installed = /apt-get install --yes --no-install-recommends ([a-z0-9 -]+)/
    .exec(dockerfile)?.[1]
    ?.trim()
    .split(' ');
  // Debian's slim image has these.
  const needed = new Set(Object.values(PROGRAMS).filter(name => !['coreutils', 'dash'].includes(name)));
  expect(installed).toEqual([...needed].toSorted());
});

test('the Dockerfile has the Node that the tests run on', () => {
  expect(dockerfile).toContain(`ARG NODE_IMAGE=node:${packageJson.devDependencies.node}-bookworm-slim`);
});

test('the launcher runs each command with its own bundle, tells its version, and what there is of any other command', async () => {
  const root = mkdtempSync(join(tmpdir(), 'clb-direct-image-'));
  try {
    await writeProductFiles(root);
    const script = readFileSync(join(root, 'usr/local/bin/clb-direct'), 'utf8');
    const here = script.replaceAll('/opt/clb-direct', join(root, 'opt/clb-direct'));
    // The image has one Node; here the one that runs the tests has to come first.
    const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` };
    const launch = (...argv: readonly string[]) => execute('sh', ['-c', here, 'clb-direct', ...argv], { env });
    for (const command of Object.keys(COMMANDS)) {
      expect((await launch(command, '--help')).stdout).toContain(`Usage: clb-direct ${command}`);
    }
    expect((await launch('--help')).stdout).toContain('Usage: clb-direct agent|');
    expect((await launch('--version')).stdout).toBe(`clb-direct ${packageJson.version}\n`);
    await expect(launch('serve')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('clb-direct agent|'),
    });
  } finally {
    rmSync(root, { recursive: true });
  }
});
