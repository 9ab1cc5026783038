import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleProduct } from './bundle-product.ts';
import { AGENT_NODE_FLAGS } from './node-flags.ts';

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-bundle-'));
  await bundleProduct(folder);
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ['agent', AGENT_NODE_FLAGS],
  ['coordinator', []],
  ['inject', []],
  ['release', []],
])("the %s's bundle runs with its flags where nothing of the repository is", async (name, flags) => {
  const { stdout } = await run(process.execPath, [...flags, join(folder, `${name}.mjs`), '--help'], { cwd: folder });
  expect(stdout).toContain(`Usage: clb-direct ${name}`);
});

test("the agent's bundle does not have Node load a fetch that it never calls", async () => {
  const script = join(folder, 'loaded.mjs');
  await writeFile(
    script,
    `await import('./agent.mjs'); console.log(process.moduleLoadList.filter(name => /undici/.test(name)).length);`,
  );
  expect((await run(process.execPath, [script])).stdout).toBe('0\n');
});
