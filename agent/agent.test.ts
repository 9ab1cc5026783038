import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CollectingLogger } from '../common/collecting-logger.ts';
import { DEFAULT_INSTANCE } from '../common/instance-names.ts';
import type { Node, Pod } from '../common/kube/objects.ts';
import { ScriptedTransport } from '../common/kube/scripted-transport.ts';
import { ContainerState, Protocol } from '../common/pod-record.ts';
import { kubePod } from '../common/pods/pod.fixture.ts';
import { seededRandom } from '../common/random.ts';
import { VirtualClock } from '../common/virtual-clock.ts';
import {
  DrainPhase,
  DrainState,
  type DrainUpdate,
  NodeSignKind,
  ProbeOutcome,
} from '../proto/gen/clbdirect/v1/report.ts';
import { DEFAULT_HOOK_CALLS_MAX, runAgent } from './agent.ts';
import type { Connection } from './connections/source.ts';
import { DEFAULT_DRAIN_LIMITS } from './drain/drain-limits.ts';
import type { HookCallees } from './drain/hook-transport.ts';
import { noHealthBoard } from './health/health.ts';
import { noMetrics } from './metrics.ts';
import type { HookRedirect } from './redirect/hook-redirect.ts';
import { RememberedRedirect } from './redirect/remembered-redirect.ts';
import { ScriptedConnector } from './report/scripted-connector.ts';
import type { ContainerExit } from './runtime/source.ts';

const FIRST = '10.9.0.1:9443';
const POD = '10.0.0.5';
const DELETION = { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 60, resourceVersion: '2' };

let clock: VirtualClock;
let kube: ScriptedTransport;
let connector: ScriptedConnector;
let log: CollectingLogger;
let hasSandbox: boolean;
let connections: Connection[];
let rule: RememberedRedirect;
let redirected: (readonly string[])[];
let redirectError: Error | undefined;
let tellExit: (exit: ContainerExit) => void;
let hooks: HookCallees;
let answered: string[];
let callsHeld: Promise<void>[];
let stop: AbortController;
let stopped: Promise<void>;

beforeEach(async () => {
  clock = new VirtualClock();
  connector = new ScriptedConnector();
  log = new CollectingLogger();
  kube = new ScriptedTransport(() => listOf(kubePod()));
  rule = new RememberedRedirect();
  [hasSandbox, connections, redirected, redirectError] = [true, [], [], undefined];
  [answered, callsHeld] = [[], []];
  stop = new AbortController();
  stopped = startAgent();
  await clock.advance(0);
  connector.to(FIRST).welcome();
  await clock.advance(0);
});
afterEach(async () => {
  stop.abort();
  await clock.advance(120_000);
  await stopped;
});

function startAgent(): Promise<void> {
  return runAgent(
    {
      edges: {
        clock,
        log,
        kube,
        random: seededRandom(7),
        reports: connector,
        metrics: noMetrics(),
        health: noHealthBoard(),
        nodeAddresses: () => ['10.1.0.1'],
        nodeSigns: [],
        probes: { connect: async () => 'connected' },
        hooks: { serve: serveHooks },
        redirect: countedRedirect(),
        runtime: {
          processIds: async () => [1],
          hasSandbox: async () => hasSandbox,
          endedAmong: async () => [],
          runningContainers: async () => [],
          exits: exitsOf,
        },
        connections: { read: async () => connections },
      },
      options: {
        nodeName: 'node1',
        agentVersion: '0.1.0',
        policy: { pureVpcCni: false },
        names: DEFAULT_INSTANCE,
        drain: DEFAULT_DRAIN_LIMITS,
        hookCallsMax: DEFAULT_HOOK_CALLS_MAX,
        isProbeAllowed: address => address.startsWith('10.'),
      },
    },
    stop.signal,
  );
}

function listOf(...items: Pod[]) {
  return { status: 200, body: { metadata: { resourceVersion: '1' }, items } };
}

async function serveHooks(callees: HookCallees, signal: AbortSignal): Promise<void> {
  hooks = callees;
  await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }));
  await Promise.all(callsHeld);
}

/** The node's rule; `redirected` is what it was made to hold, one after the other. */
function countedRedirect(): HookRedirect {
  const edge = rule.edge(1);
  const counted = async (write: () => Promise<void>) => {
    if (redirectError) throw redirectError;
    await write();
    redirected.push(rule.standing?.addresses ?? []);
  };
  return {
    ...edge,
    replace: (wanted, signal) => counted(() => edge.replace(wanted, signal)),
    change: (owner, change, signal) => counted(() => edge.change(owner, change, signal)),
  };
}

async function* exitsOf(signal: AbortSignal): AsyncGenerator<ContainerExit> {
  while (!signal.aborted) {
    yield await new Promise<ContainerExit>((resolve, reject) => {
      tellExit = resolve;
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }
}

/** The kubelet calls the hook. */
function callHook(address = POD): void {
  callsHeld.push(hooks.hold({ address }, new AbortController().signal).then(() => void answered.push(address)));
}

const podWatch = () => kube.watches.findLast(({ request }) => request.path === '/api/v1/pods');

async function watchSays(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Pod): Promise<void> {
  podWatch()?.push({ type, object });
  await clock.advance(0);
}

async function coordinatorSays(state: DrainState, more: Partial<DrainUpdate> = {}): Promise<void> {
  const targetPorts = [{ port: 80, protocol: Protocol.TCP }];
  const value = { podUid: 'uid-1', state, targetPorts, virtualAddresses: [], settleMs: 2_000, paused: false, ...more };
  connector.to(FIRST).say({ $case: 'drainUpdate', value });
  await clock.advance(0);
}

const phases = () =>
  connector
    .to(FIRST)
    .of('drainRequest')
    .map(({ phase }) => phase);
const reasons = () => log.records.flatMap(({ fields }) => (fields.reason ? [fields.reason] : []));

describe('an agent', () => {
  test('asks for the Pods of its node alone and reports them', () => {
    expect(kube.requests[0]?.query).toMatchObject({ fieldSelector: 'spec.nodeName=node1' });
    expect(connector.to(FIRST).of('snapshot')).toMatchObject([{ pods: [{ uid: 'uid-1', addresses: [POD] }] }]);
  });

  test('redirects the calls of hooked Pods, and tries again when the node refuses', async () => {
    expect(redirected).toEqual([[POD]]);
    redirectError = new Error('no nft');
    await watchSays(
      'ADDED',
      kubePod({ metadata: { uid: 'uid-2', name: 'web-2' }, status: { podIPs: [{ ip: '10.0.0.6' }] } }),
    );
    expect(redirected).toHaveLength(1);
    redirectError = undefined;
    await clock.advance(1_000);
    expect(redirected.slice(1)).toEqual([[POD, '10.0.0.6']]);
  });

  test('tells a container exit before any status does', async () => {
    tellExit({ podUid: 'uid-1', containerName: 'web', containerId: 'c1' });
    await clock.advance(0);
    expect(connector.to(FIRST).of('delta')).toMatchObject([
      { upserts: [{ ready: false, containers: [{ state: ContainerState.EXITED }] }] },
    ]);
  });

  test('removes a Pod whose deletion it saw', async () => {
    await watchSays('DELETED', kubePod({ metadata: { resourceVersion: '3' } }));
    expect(connector.to(FIRST).of('delta')).toMatchObject([{ removals: ['uid-1'] }]);
  });

  test('removes a Pod that a list does not hold only when its sandbox is gone', async () => {
    kube.answer = () => listOf();
    const expired = { kind: 'Status' as const, status: 'Failure' as const, code: 410, reason: 'Expired' };
    podWatch()?.push({ type: 'ERROR', object: expired });
    await clock.advance(5_000);
    expect(kube.requests.filter(({ path }) => path === '/api/v1/pods')).toHaveLength(2);
    expect(connector.to(FIRST).of('delta')).toEqual([]);
    hasSandbox = false;
    await clock.advance(1_000);
    expect(connector.to(FIRST).of('delta')).toMatchObject([{ removals: ['uid-1'] }]);
  });
});

describe('what the node says of itself', () => {
  const nodeWatch = () => kube.watches.findLast(({ request }) => request.path === '/api/v1/nodes');

  test('is told to the coordinators', async () => {
    const object: Node = { metadata: { name: 'node1', resourceVersion: '2' }, spec: { unschedulable: true } };
    nodeWatch()?.push({ type: 'MODIFIED', object });
    await clock.advance(0);
    const notices = connector.to(FIRST).of('nodeNotice');
    expect(notices).toMatchObject([{ signs: [{ kind: NodeSignKind.CORDONED }] }]);
  });

  test('is found out by probes, of addresses that are allowed', async () => {
    const probe = (id: number, address: string) =>
      connector.to(FIRST).say({ $case: 'probeRequest', value: { id, address, port: 80, timeoutMs: 0 } });
    probe(1, '10.0.0.9');
    probe(2, '192.0.2.1');
    await clock.advance(0);
    const outcomes = connector.to(FIRST).of('probeResult');
    expect(new Map(outcomes.map(({ id, outcome }) => [id, outcome]))).toEqual(
      new Map([
        [1, ProbeOutcome.CONNECTED],
        [2, ProbeOutcome.DECLINED],
      ]),
    );
  });
});

describe('a preStop call', () => {
  test('is held until the load balancer has let the Pod go', async () => {
    callHook();
    await watchSays('MODIFIED', kubePod({ metadata: DELETION }));
    await coordinatorSays(DrainState.WEIGHT_ZERO);
    await clock.advance(2_500);
    expect(phases().at(-1)).toBe(DrainPhase.CONNECTIONS_ENDED);
    expect(answered).toEqual([]);
    await coordinatorSays(DrainState.DEREGISTERED);
    expect(answered).toEqual([POD]);
    expect(reasons()).toEqual(['drained']);
  });

  test('is a deletion’s, with its whole budget, when the coordinator says so, and the agent has not heard of it (L4)', async () => {
    const budgets = () =>
      connector
        .to(FIRST)
        .of('drainRequest')
        .map(({ budgetMs }) => budgetMs);
    callHook();
    await coordinatorSays(DrainState.ACCEPTED, { deletionGracePeriodSeconds: 60 });
    await coordinatorSays(DrainState.ACCEPTED, { deletionGracePeriodSeconds: 60 });
    expect(budgets()).toEqual([5_000, 30_000]);
    await watchSays('MODIFIED', kubePod({ metadata: { resourceVersion: '2' } }));
    await clock.advance(6_000);
    expect(answered).toEqual([]);
  });

  test('names a Pod that the coordinator has already heard of', async () => {
    await watchSays(
      'ADDED',
      kubePod({ metadata: { uid: 'uid-2', name: 'web-2' }, status: { podIPs: [{ ip: '10.0.0.6' }] } }),
    );
    callHook('10.0.0.6');
    await clock.advance(0);
    expect(connector.to(FIRST).kinds().slice(-2)).toEqual(['delta', 'drainRequest']);
  });

  test('waits for connections, but not for the probes of the node', async () => {
    const connection = { protocol: Protocol.TCP, localPort: 80, remotePort: 5, state: 'ESTABLISHED', inode: 1 };
    connections = [
      { ...connection, remoteAddress: '10.1.0.1' },
      { ...connection, remoteAddress: '192.0.2.1' },
    ];
    await watchSays('MODIFIED', kubePod({ metadata: DELETION }));
    callHook();
    await coordinatorSays(DrainState.WEIGHT_ZERO);
    await clock.advance(6_000);
    expect(phases()).toEqual([DrainPhase.BEGIN]);
    connections = connections.slice(0, 1);
    await clock.advance(1_000);
    expect(phases()).toEqual([DrainPhase.BEGIN, DrainPhase.CONNECTIONS_ENDED]);
  });

  test('shares its drain with the calls of the other containers, and a later one is answered at once', async () => {
    await watchSays('MODIFIED', kubePod({ metadata: DELETION }));
    callHook();
    callHook();
    await coordinatorSays(DrainState.DEREGISTERED);
    callHook();
    await clock.advance(0);
    expect(answered).toEqual([POD, POD, POD]);
    expect(phases()).toEqual([DrainPhase.BEGIN, DrainPhase.ANSWERED]);
  });

  test('waits a second for the watch to tell of its Pod', async () => {
    callHook('10.0.0.6');
    await clock.advance(900);
    await watchSays(
      'ADDED',
      kubePod({ metadata: { uid: 'uid-2', name: 'web-2' }, status: { podIPs: [{ ip: '10.0.0.6' }] } }),
    );
    expect(phases()).toEqual([DrainPhase.BEGIN]);
  });

  test('for an unknown address is answered, counted and explained after a second', async () => {
    callHook('10.0.0.7');
    await clock.advance(1_000);
    expect(answered).toEqual(['10.0.0.7']);
    expect(log.records.at(-1)).toMatchObject({ level: 'warn', fields: { reason: 'unknown-pod', address: '10.0.0.7' } });
  });

  test('is answered 3 s after the last coordinator went away', async () => {
    await watchSays('MODIFIED', kubePod({ metadata: DELETION }));
    callHook();
    connector.addresses = [];
    connector.to(FIRST).break();
    await clock.advance(3_000);
    expect(answered).toEqual([POD]);
    expect(reasons()).toEqual(['no-coordinator']);
  });

  test('goes on with the next leader', async () => {
    await watchSays('MODIFIED', kubePod({ metadata: DELETION }));
    callHook();
    connector.to(FIRST).break();
    await clock.advance(1_000);
    connector.to(FIRST).welcome();
    await clock.advance(0);
    expect(phases()).toEqual([DrainPhase.BEGIN]);
    await coordinatorSays(DrainState.DEREGISTERED);
    expect(reasons()).toEqual(['drained']);
  });

  test('is finished when the agent stops, with its streams still up', async () => {
    await watchSays('MODIFIED', kubePod({ metadata: DELETION }));
    callHook();
    stop.abort();
    await clock.advance(1_000);
    expect(connector.to(FIRST).isClosed).toBe(false);
    await coordinatorSays(DrainState.DEREGISTERED);
    await clock.advance(1_000);
    await stopped;
    expect(answered).toEqual([POD]);
    expect(connector.to(FIRST).isClosed).toBe(true);
  });
});
