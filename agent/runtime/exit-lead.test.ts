import { beforeEach, expect, test } from 'vitest';
import { kubePod } from '../../common/pods/pod.fixture.ts';
import { projectPod } from '../../common/pods/project-pod.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { ExitLead } from './exit-lead.ts';

const EXIT = { podUid: 'uid-1', containerName: 'web', containerId: 'c1' };
let clock: VirtualClock;
let leadsMs: number[];
let lead: ExitLead;

beforeEach(() => {
  clock = new VirtualClock();
  leadsMs = [];
  lead = new ExitLead({ clock, metrics: { exitWasEarlier: leadMs => leadsMs.push(leadMs) } });
});

function statusSays(containerId: string, state: object): void {
  const containerStatuses = [
    {
      name: 'web',
      containerID: `containerd://${containerId}`,
      state,
      ready: false,
      restartCount: 0,
      image: '',
      imageID: '',
    },
  ];
  lead.watchTold(projectPod(kubePod({ status: { containerStatuses } }), { pureVpcCni: false }));
}

test.each([
  ['shows the exit', 'c1', { terminated: { exitCode: 137 } }],
  ['already shows the next container', 'c2', { running: {} }],
])('the lead ends when the Pod %s', async (_, id, state) => {
  lead.runtimeTold(EXIT);
  await clock.advance(300);
  statusSays('c1', { running: {} });
  await clock.advance(350);
  statusSays(id, state);
  statusSays(id, state);
  expect(leadsMs).toEqual([650]);
});

test('an exit that was only found later says nothing of the lead', () => {
  lead.runtimeTold({ ...EXIT, isLate: true });
  statusSays('c1', { terminated: { exitCode: 1 } });
  expect(leadsMs).toEqual([]);
});
