import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Condition } from '../../common/kube/objects.ts';
import { READINESS_GATE } from '../../common/names.ts';
import { DEPLOYMENTS, deployment, MERGE_PATCH, SERVICES, service } from './manifests.ts';
import type { GateFlags } from './simulated-coordinator.ts';
import { World } from './world.ts';

const NAME = 'web';
const DIRECT_ACCESS = 'service.cloud.tencent.com/direct-access';
const MINUTE_MS = 60_000;

let world: World;
let sick: boolean;

beforeEach(() => {
  sick = false;
});

afterEach(() => world.close());

async function deploy(gates: GateFlags, targetPort = 80): Promise<void> {
  world = new World({ seed: 29, gates, isSick: () => sick });
  await world.start();
  await world.create(DEPLOYMENTS, deployment(NAME, { replicas: 1, hooked: true }));
  await world.create(SERVICES, service(NAME, {}, [{ port: 80, targetPort }]));
}

test("a gate that stays shut is told on the Pod and its Deployment, with what the Pod's own node found", async () => {
  sick = true;
  await deploy({ stuckGateMs: MINUTE_MS });
  await world.clock.advance(MINUTE_MS);
  expect(await told()).toEqual([]);
  await world.clock.advance(MINUTE_MS);
  const found = /the Pod's own node reaches port 80 and CLB's health check does not pass, so that a security group/;
  expect(await told()).toEqual([expect.stringMatching(found), expect.stringMatching(found)]);
  const [onDeployment, onPod] = await told();
  expect(onDeployment).toMatch(
    /^Deployment web: CD3022: The readiness gate of a Pod of Deployment default\/web: shut for more than 60 s\./,
  );
  expect(onPod).toMatch(/^Pod web-\S+: CD3022: The readiness gate of Pod default\/web-\S+: shut for more than 60 s\./);
  expect((await gate())?.status).toBe('False');
  sick = false;
  await world.clock.advance(MINUTE_MS);
  expect((await gate())?.status).toBe('True');
});

test('a port on which nothing listens is told as such', async () => {
  await deploy({ stuckGateMs: MINUTE_MS }, 8_081);
  await world.clock.advance(3 * MINUTE_MS);
  const [first] = await told();
  expect(first).toContain('nothing listens on port 8081 of the Pod');
});

test('a stuck gate stays shut for ever, unless the user lets time open it', async () => {
  sick = true;
  await deploy({ stuckGateMs: MINUTE_MS });
  await world.clock.advance(60 * MINUTE_MS);
  expect((await gate())?.status).toBe('False');
  await world.close();
  await deploy({ openStuckGatesMs: 5 * MINUTE_MS });
  await world.clock.advance(4 * MINUTE_MS);
  expect((await gate())?.status).toBe('False');
  await world.clock.advance(2 * MINUTE_MS);
  expect(await gate()).toMatchObject({ status: 'True', reason: 'OpenedByTime' });
  await world.clock.advance(10 * MINUTE_MS);
  expect(await told()).toEqual([]);
});

test.each<[string, () => Promise<unknown>]>([
  ['its Service selects other Pods', () => change({ spec: { selector: { app: 'other' } } })],
  ['its Service is no longer for us', () => change({ metadata: { annotations: { [DIRECT_ACCESS]: null } } })],
  ['its Service is no longer of type LoadBalancer', () => change({ spec: { type: 'ClusterIP' } })],
  ['its Service is deleted', () => world.request('DELETE', `${SERVICES}/${NAME}`)],
])('a gate that waits opens when %s, so that nothing hangs', async (_name, letGo) => {
  sick = true;
  await deploy({});
  await world.clock.advance(2 * MINUTE_MS);
  expect((await gate())?.status).toBe('False');
  await letGo();
  await world.clock.advance(2 * MINUTE_MS);
  expect(await gate()).toMatchObject({ status: 'True', reason: 'NotSelected' });
});

async function change(patch: object): Promise<void> {
  await world.request('PATCH', `${SERVICES}/${NAME}`, patch, MERGE_PATCH);
}

async function gate(): Promise<Condition | undefined> {
  const [pod] = await world.pods();
  return pod?.status?.conditions?.find(({ type }) => type === READINESS_GATE);
}

/** The Events of stuck gates, each once. */
async function told(): Promise<string[]> {
  const events = (await world.events()).filter(({ reason }) => reason === 'GateStuck');
  return events.map(({ involvedObject: { kind, name }, message }) => `${kind} ${name}: ${message}`).sort();
}
