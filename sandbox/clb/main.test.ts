import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { OptionsError, parseOptions } from './options.ts';

const MAIN = join(import.meta.dirname, 'main.ts');

describe('the process', () => {
  it('says where it listens, keeps the journal in a file and ends on SIGTERM', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'clb-sandbox-'));
    try {
      const journal = join(folder, 'journal.jsonl');
      const child = spawn(process.execPath, [MAIN, '--journal-file', journal], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = await once(createInterface(child.stdout), 'line');
      const { control } = JSON.parse(String(line));
      const seed = { method: 'POST', body: JSON.stringify({ id: 'lb-existing' }) };
      expect(await (await fetch(`${control}/load-balancers`, seed)).json()).toEqual({
        id: 'lb-existing',
        vip: '127.100.0.1',
      });
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
      expect(await readFile(journal, 'utf8')).toContain('"loadBalancerId":"lb-existing"');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the flags', () => {
  it.each([
    [['--listen', 'nowhere'], '--listen wants HOST:PORT, got nowhere.'],
    [['--map-port', '80'], '--map-port wants 80=8080, got 80.'],
    [['--vips', '127.0.0.1,localhost'], '--vips and --vip-prefix must give IPv4 addresses, got localhost.'],
    [['--read-ms', '-1'], "Option '--read-ms' argument is ambiguous. See --help."],
    [['--forwarders', '0'], '--forwarders wants a whole number of 1 or more, got 0.'],
    [['--forwarder-delay-min-ms', '3000'], '--forwarder-delay-min-ms must not exceed --forwarder-delay-max-ms.'],
    [['--certificate-file', 'a.pem'], '--certificate-file and --private-key-file go together.'],
    [['--colour', 'red'], "Unknown option '--colour' See --help."],
  ])('%j are refused in one line', (args, message) => {
    expect(() => parseOptions(args)).toThrow(new OptionsError(message));
  });

  it('set what they say and leave the rest as documented', () => {
    const options = parseOptions(['--map-port', '80=8080,53=5353', '--batch-base-ms', '50', '--vips', '127.9.0.1']);
    expect(options).toMatchObject({
      portMapping: new Map([
        [80, 8080],
        [53, 5353],
      ]),
      settings: { vips: ['127.9.0.1'], latency: { batchBaseMs: 50, batchPerTargetMs: 9.35 } },
    });
  });
});
