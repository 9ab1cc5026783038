import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { COMMANDS, ENTRYPOINT, launcherScript } from './launcher.ts';
import { writeProductFiles } from './product-files.ts';
import { PROGRAMS } from './product-root.ts';
import { writeIntoRoot } from './root-folder.ts';

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

test('the Dockerfile starts what the image of `npm run image` starts', () => {
  expect(dockerfile).toContain(`ENTRYPOINT ${JSON.stringify(ENTRYPOINT).replaceAll(',', ', ')}`);
});

test('a container that is told to end before its program listens for that ends', async ({ skip, onTestFinished }) => {
  const before = ENTRYPOINT.slice(0, -1);
  if (process.getuid?.() !== 0) return skip('needs root for a process namespace');
  const missing = before.find(word => isAbsolute(word) && !existsSync(word));
  if (missing) return skip(`needs ${missing}`);
  const folder = mkdtempSync(join(tmpdir(), 'clb-direct-image-'));
  writeIntoRoot(folder, 'clb-direct', launcherScript('0.0.0'), 0o755);
  // A Node that takes its time to start.
  writeIntoRoot(folder, 'node', '#!/bin/sh\necho started\nexec sleep 600\n', 0o755);
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH ?? ''}` };
  const argv = ['--pid', '--fork', '--kill-child', ...before, join(folder, 'clb-direct'), 'agent'];
  const container = spawn('unshare', argv, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    container.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  await once(container.stdout, 'data');
  const [process1] = readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8').trim().split(' ');
  process.kill(Number(process1), 'SIGTERM');
  expect(await once(container, 'exit')).toEqual([143, null]);
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
