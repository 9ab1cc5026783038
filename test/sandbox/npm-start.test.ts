import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test, vi } from 'vitest';
import { LOW_PORTS_ADVICE, mayListenOnLowPorts } from '../../sandbox/cluster/low-ports.ts';

const MAIN = join(import.meta.dirname, '../../sandbox/main.ts');

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Command lines of all processes that name the text. */
function processesNaming(text: string): string[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  return pids.flatMap(pid => {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return commandLine.includes(text) ? [commandLine] : [];
    } catch {
      // It has ended since the folder was listed.
      return [];
    }
  });
}

test('Ctrl-C while it comes up ends every process and removes the folder', { timeout: 60_000 }, async context => {
  if (!(await mayListenOnLowPorts())) context.skip(LOW_PORTS_ADVICE);
  const child = start('--no-demo');
  const exited = once(child, 'exit');
  let folder = '';
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    folder = /everything is in (\S+?),/.exec(line)?.[1] ?? folder;
    if (/clb-direct runs/.test(line)) child.kill('SIGINT');
  }
  expect(await exited).toEqual([130, null]);
  expect(folder).not.toBe('');
  expect(existsSync(folder)).toBe(false);
  // What was killed is gone a moment later.
  await vi.waitFor(() => expect(processesNaming(folder)).toEqual([]), 10_000);
});

test('an unknown flag ends it with one line and exit code 2', async () => {
  const child = start('--twice');
  const said = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  const [line] = await once(said, 'line');
  expect(await once(child, 'exit')).toEqual([2, null]);
  expect(line).toBe("sandbox: Unknown option '--twice'; --help lists the options");
});
