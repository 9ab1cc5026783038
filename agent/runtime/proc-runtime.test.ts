import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { type ProcRuntime, podUidOfCgroup, procRuntime } from './proc-runtime.ts';

const UID = '11111111-2222-3333-4444-555555555555';
const OTHER_UID = '99999999-2222-3333-4444-555555555555';

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

describe('what /proc shows', () => {
  let procRoot: string;
  let clock: VirtualClock;
  let runtime: ProcRuntime;

  beforeEach(async () => {
    procRoot = await mkdtemp(join(tmpdir(), 'clb-direct-proc-'));
    clock = new VirtualClock();
    runtime = procRuntime({ procRoot, clock });
  });
  afterEach(() => rm(procRoot, { recursive: true }));

  async function addProcess(processId: number, podUid: string, containerId: string): Promise<void> {
    await mkdir(join(procRoot, String(processId)));
    await writeFile(join(procRoot, String(processId), 'cgroup'), `0::/kubepods/pod${podUid}/${containerId}\n`);
  }

  test('is looked at again after a second', async () => {
    await addProcess(41, OTHER_UID, 'abc');
    expect(await runtime.hasSandbox(UID)).toBe(false);
    await addProcess(42, UID, 'def');
    expect(await runtime.hasSandbox(UID)).toBe(false);
    await clock.advance(1_000);
    expect(await runtime.processIds(UID)).toEqual([42]);
    expect(await runtime.hasSandbox(UID)).toBe(true);
  });

  test('tells which containers have a process left', async () => {
    await addProcess(42, UID, 'def');
    expect(await runtime.hasProcess('def')).toBe(true);
    expect(await runtime.hasProcess('abc')).toBe(false);
  });

  test('tells that a container has ended of whose Pod nothing is left, by the UID or by its own id', async () => {
    await addProcess(42, UID, 'def');
    const container = (podUid: string, containerId: string) => ({ podUid, containerName: 'web', containerId });
    const [inVirtualMachine, ofStaticPod, gone] = [
      container(UID, 'abc'),
      container(OTHER_UID, 'def'),
      container(OTHER_UID, 'abc'),
    ];
    expect(await runtime.endedAmong([inVirtualMachine, ofStaticPod, gone])).toEqual([gone]);
  });

  test('proves nothing when it shows no Pod at all: it may not be that of the host', async () => {
    await expect(runtime.hasSandbox(UID)).rejects.toThrow('--proc-root');
    await expect(runtime.endedAmong([])).rejects.toThrow('--proc-root');
    await expect(runtime.hasProcess('abc')).rejects.toThrow('--proc-root');
    expect(await runtime.processIds(UID)).toEqual([]);
  });
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
