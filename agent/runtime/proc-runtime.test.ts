import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { podUidOfCgroup, procRuntime } from './proc-runtime.ts';

const UID = '11111111-2222-3333-4444-555555555555';

describe('the cgroup of a process names its Pod', () => {
  test.each([
    ['as cgroupfs does', `0::/kubepods/besteffort/pod${UID}/0123\n`],
    ['as systemd does', `0::/kubepods.slice/kubepods-pod${UID.replaceAll('-', '_')}.slice/cri-containerd-0123.scope\n`],
    ['under cgroup v1', `12:cpuset:/kubepods/pod${UID}/0123\n1:name=systemd:/kubepods/pod${UID}/0123\n`],
  ])('%s', (_, cgroup) => {
    expect(podUidOfCgroup(cgroup)).toBe(UID);
  });

  test('but not that of a process of the node', () => {
    expect(podUidOfCgroup('0::/system.slice/kubelet.service\n')).toBeUndefined();
  });
});

test('processes are found anew after a second', async () => {
  const procRoot = await mkdtemp(join(tmpdir(), 'clb-direct-proc-'));
  const clock = new VirtualClock();
  const runtime = procRuntime({ procRoot, clock });
  expect(await runtime.hasSandbox(UID)).toBe(false);
  await mkdir(join(procRoot, '42'));
  await writeFile(join(procRoot, '42', 'cgroup'), `0::/kubepods/pod${UID}/0123\n`);
  await clock.advance(1_000);
  expect(await runtime.processIds(UID)).toEqual([42]);
  expect(await runtime.hasSandbox(UID)).toBe(true);
  await rm(procRoot, { recursive: true });
});

test('a folder that cannot be read is an error, not an absent Pod', async () => {
  const runtime = procRuntime({ procRoot: '/nonexistent', clock: new VirtualClock() });
  await expect(runtime.hasSandbox(UID)).rejects.toThrow('ENOENT');
});

test('the stream of exits ends with its signal', async () => {
  const controller = new AbortController();
  const exits = procRuntime({ procRoot: '/proc', clock: new VirtualClock() }).exits(controller.signal);
  const next = exits[Symbol.asyncIterator]().next();
  controller.abort();
  expect((await next).done).toBe(true);
});
