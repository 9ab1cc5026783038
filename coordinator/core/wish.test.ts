import { describe, expect, test } from 'vitest';
import { ContainerState, PodPhase, type PodRecord } from '../../common/pod-record.ts';
import { bindingKey } from './binding-key.ts';
import { clusterView } from './cluster-view.ts';
import { type DrainRequested, recordDrain } from './drain-ledger.ts';
import { formatMark } from './mark.ts';
import type { TransactionTable } from './observation.ts';
import { container, placedRule, podRecord } from './pod.fixture.ts';
import { ReportStore } from './report-store.ts';
import { ruleState } from './rule-state.ts';
import { wishOf } from './wish.ts';

const PLACE = { listenerId: 'lbl-0', locationId: '', address: '10.0.0.1', port: 80 };
const TAG = formatMark({ cluster: 'c1', namespace: 'default', name: 'pod-1', podUid: 'pod-1' });
const DELETION = { seenAtMs: 0, gracePeriodSeconds: 30 };

interface Scene {
  readonly pods?: readonly PodRecord[];
  readonly gone?: string;
  /** Told by the node of its Pods. */
  readonly removed?: string;
  readonly bound?: { readonly weight: number; readonly tag?: string };
  readonly hook?: DrainRequested['phase'];
  readonly unconfirmed?: boolean;
  /** The API server has not said where the Pods are. */
  readonly unplaced?: boolean;
  readonly isNodeSilent?: boolean;
  readonly isNodeLost?: boolean;
  readonly keepsLeavingNodes?: boolean;
  readonly transactions?: TransactionTable;
  readonly quarantined?: ReadonlyMap<string, string>;
  readonly isAdopted?: boolean;
}

/** What address 10.0.0.1 on the rule calls for. */
function wish(scene: Scene) {
  const store = new ReportStore();
  const pods = scene.pods ?? [podRecord()];
  for (const pod of pods) store.apply(`node of ${pod.uid}`, { upserts: [pod], removals: [] }, 0);
  if (!scene.unplaced) for (const { uid } of pods) store.placed(uid, `node of ${uid}`, 0);
  if (scene.removed) store.apply(`node of ${scene.removed}`, { upserts: [], removals: [scene.removed] }, 0);
  if (scene.gone) store.provenGone(scene.gone, 0);
  const node = 'node of pod-1';
  const drains = scene.hook
    ? recordDrain(new Map(), { podUid: 'pod-1', node, phase: scene.hook, budgetMs: 30_000 }, 0)
    : new Map();
  const confirmed = new Set(scene.unconfirmed ? [] : pods.map(pod => pod.uid));
  const doubtedNodes = new Set(scene.isNodeSilent ? [node] : []);
  const lostNodes = new Set(scene.isNodeLost ? [node] : []);
  const view = clusterView({ store, drains, confirmed, doubtedNodes, lostNodes });
  const binding = scene.bound && { ...PLACE, tag: TAG, ...scene.bound };
  const bindings = new Map(binding ? [[bindingKey(PLACE), binding] as const] : []);
  const transactions = scene.transactions ?? new Map();
  const rule = placedRule({ isAdopted: scene.isAdopted ?? false });
  const { keepsLeavingNodes = false } = scene;
  const input = {
    selected: view.podsSelectedBy(rule),
    pods: view.pods,
    cluster: 'c1',
    observed: { listenerId: 'lbl-0', bindings, health: new Map() },
    transactions,
    quarantined: scene.quarantined ?? new Map(),
  };
  const state = ruleState(rule, input, { keepsLeavingNodes });
  const target = state.targets.find(candidate => candidate.key === bindingKey(PLACE));
  if (!target) throw new Error('nothing is bound or wanted there');
  return wishOf(target, { rule, view, cluster: 'c1', keepsLeavingNodes });
}

function change(fields: Record<string, unknown>) {
  return { kind: 'change', change: fields, podUid: 'pod-1' };
}

const CLOSE = change({ kind: 'close', evidence: 'deletion' });

describe('what is not bound', () => {
  test('is registered with its weight when its Pod is ready, in one write', () => {
    expect(wish({})).toEqual(change({ kind: 'register', weight: 10, tag: TAG }));
  });

  test('is registered at weight 0 while its Pod starts or is not confirmed', () => {
    const standby = change({ kind: 'register', weight: 0, tag: TAG });
    expect(wish({ pods: [podRecord({ ready: false })] })).toEqual(standby);
    expect(wish({ unconfirmed: true })).toEqual(standby);
  });

  test('is not registered any more when its Pod is on its way out', () => {
    expect(wish({ pods: [podRecord({ deletion: DELETION })] })).toEqual({ kind: 'none' });
    expect(wish({ hook: 'begun' })).toEqual({ kind: 'none' });
  });
});

describe('what is bound', () => {
  test('opens when its Pod is ready and confirmed, and then stays as it is', () => {
    expect(wish({ bound: { weight: 0 } })).toEqual(change({ kind: 'open', weight: 10 }));
    expect(wish({ bound: { weight: 10 } })).toEqual({ kind: 'none' });
  });

  test.each([{ isNodeSilent: true }, { isNodeLost: true }])(
    'stays open where nobody tells of its node and nobody could take over, and is not opened (L5): %o',
    node => {
      const alone = { ...node, keepsLeavingNodes: true };
      expect(wish({ ...alone, bound: { weight: 10 } })).toEqual({ kind: 'none' });
      expect(wish({ ...alone, bound: { weight: 0 } })).toEqual({ kind: 'none' });
      expect(wish(alone)).toEqual({ kind: 'none' });
    },
  );

  test('is not closed because a fresh leader has no confirmation yet (L1)', () => {
    expect(wish({ bound: { weight: 10 }, unconfirmed: true })).toEqual({ kind: 'none' });
  });

  test('has to be asked for at the API server when nobody vouches for its Pod (L1)', () => {
    expect(wish({ pods: [], bound: { weight: 10 } })).toMatchObject({ kind: 'prove', mark: { podUid: 'pod-1' } });
  });

  describe("whose Pod is known by the word of an agent alone, which may be another node's (L12)", () => {
    const ASKED = { kind: 'prove', mark: { podUid: 'pod-1' } };
    const unplaced = (scene: Scene) => wish({ unplaced: true, ...scene });

    test.each<[string, Scene]>([
      ['gone', { removed: 'pod-1' }],
      ['deleted', { pods: [podRecord({ deletion: DELETION })] }],
      ['ended', { pods: [podRecord({ phase: PodPhase.SUCCEEDED })] }],
      ['exited', { pods: [podRecord({ containers: [container('main', ContainerState.EXITED)] })] }],
      ['not ready', { pods: [podRecord({ ready: false })] }],
      ['at another address', { pods: [podRecord({ addresses: ['10.0.0.2'] })] }],
      ['one that nobody selects', { pods: [podRecord({ labels: { app: 'other' } })] }],
      ['one whose hook is held', { hook: 'begun' }],
    ])('has to be asked for when that calls it %s', (_, scene) => {
      expect(unplaced({ ...scene, bound: { weight: 10 } })).toMatchObject(ASKED);
    });

    test('has to be asked for before it is removed, too', () => {
      const scene = { pods: [podRecord({ deletion: DELETION })], hook: 'connections-ended' } as const;
      expect(unplaced({ ...scene, bound: { weight: 0 } })).toMatchObject(ASKED);
      expect(unplaced({ removed: 'pod-1', bound: { weight: 0 } })).toMatchObject(ASKED);
    });

    test('is left alone while nothing is said against it, and opened', () => {
      expect(unplaced({ bound: { weight: 10 } })).toEqual({ kind: 'none' });
      expect(unplaced({ bound: { weight: 0 } })).toMatchObject(change({ kind: 'open', weight: 10 }));
    });
  });

  test('is closed and then removed when its Pod is proven gone', () => {
    expect(wish({ pods: [], gone: 'pod-1', bound: { weight: 10 } })).toEqual(CLOSE);
    expect(wish({ pods: [], gone: 'pod-1', bound: { weight: 0 } })).toEqual(
      change({ kind: 'deregister', evidence: 'gone' }),
    );
  });

  test('is closed and removed when its Pod has another address now, and stays while the Pod has none (L1)', () => {
    const moved = podRecord({ addresses: ['10.0.0.2'] });
    expect(wish({ pods: [moved], bound: { weight: 10 } })).toEqual(CLOSE);
    expect(wish({ pods: [moved], bound: { weight: 0 } })).toEqual(change({ kind: 'deregister', evidence: 'moved' }));
    const nowhere = podRecord({ addresses: [] });
    expect(wish({ pods: [nowhere], bound: { weight: 10 } })).toEqual({ kind: 'none' });
  });

  test.each([true, false])(
    'is not closed by a word from before its Pod had an address, silent node: %s (L1)',
    silent => {
      const starting = podRecord({ addresses: [], ready: false });
      expect(wish({ pods: [starting], isNodeSilent: silent, bound: { weight: 10 } })).toEqual({ kind: 'none' });
    },
  );

  test('is closed when the rule no longer selects its Pod, with an address or without', () => {
    const labels = { app: 'other' };
    const unselected = change({ kind: 'close', evidence: 'unselected' });
    for (const addresses of [['10.0.0.1'], []]) {
      expect(wish({ pods: [podRecord({ labels, addresses })], bound: { weight: 10 } })).toEqual(unselected);
    }
  });

  test('belongs to its living owner whoever else claims its address (L12)', () => {
    const claimant = podRecord({ uid: 'pod-2' });
    expect(wish({ pods: [podRecord(), claimant], bound: { weight: 10 } })).toEqual({ kind: 'none' });
    const leaving = podRecord({ deletion: DELETION });
    expect(wish({ pods: [leaving, claimant], bound: { weight: 10 }, unconfirmed: true })).toEqual(
      change({ kind: 'close', evidence: 'deletion' }),
    );
  });

  test('is closed and left bound when a container exits, and removed when all have and the Pod is deleted', () => {
    const exited = [container('main', ContainerState.EXITED)];
    expect(wish({ pods: [podRecord({ containers: exited })], bound: { weight: 10 } })).toEqual(
      change({ kind: 'close', evidence: 'exit' }),
    );
    expect(wish({ pods: [podRecord({ containers: exited })], bound: { weight: 0 } })).toEqual({ kind: 'none' });
    const dead = podRecord({ containers: exited, deletion: DELETION });
    expect(wish({ pods: [dead], bound: { weight: 0 } })).toEqual(change({ kind: 'deregister', evidence: 'exited' }));
  });

  test('is removed once its agent sees no connection left', () => {
    const pods = [podRecord({ deletion: DELETION })];
    expect(wish({ pods, hook: 'connections-ended', bound: { weight: 0 } })).toEqual(
      change({ kind: 'deregister', evidence: 'connections-ended' }),
    );
  });

  test('is closed first when it has weight again: new connections may have come since the agent looked (L4)', () => {
    const pods = [podRecord({ deletion: DELETION })];
    expect(wish({ pods, hook: 'connections-ended', bound: { weight: 10 } })).toEqual(
      change({ kind: 'close', evidence: 'deletion' }),
    );
  });

  test('is left alone while a change of it is under way (L8)', () => {
    const transaction = { key: bindingKey(PLACE), operation: 'reweight', podUid: 'pod-1', weight: 10 } as const;
    const transactions = new Map([[transaction.key, { ...transaction, startedAt: 0, endedAt: 1 }]]);
    expect(wish({ bound: { weight: 0 }, transactions })).toEqual({ kind: 'none' });
  });

  test('by somebody else is left alone and named to the Pod that wants its place (L6)', () => {
    expect(wish({ bound: { weight: 10, tag: 'theirs' } })).toMatchObject({ kind: 'foreign' });
    const unwanted = { pods: [podRecord({ labels: {} })], bound: { weight: 10, tag: 'theirs' } };
    expect(wish(unwanted)).toEqual({ kind: 'foreign', pod: undefined });
  });

  test('is left alone when CLB refuses it', () => {
    const quarantined = new Map([[bindingKey(PLACE), 'CD2009']]);
    expect(wish({ quarantined })).toEqual({ kind: 'none' });
    expect(wish({ pods: [podRecord({ ready: false })], bound: { weight: 10 }, quarantined })).toEqual({ kind: 'none' });
  });
});

describe('what is bound for a Pod that is gone from there', () => {
  const heir = podRecord({ uid: 'pod-2', name: 'pod-2' });
  const takeOver = {
    kind: 'change',
    podUid: 'pod-2',
    change: { kind: 'adopt', tag: TAG.replaceAll('pod-1', 'pod-2') },
  };
  const open = { gone: 'pod-1', bound: { weight: 10 } };
  const closed = { gone: 'pod-1', bound: { weight: 0 } };

  test('goes over to the ready Pod that has the address now, with no moment without weight (L4, L5)', () => {
    expect(wish({ ...open, pods: [heir] })).toEqual(takeOver);
    expect(wish({ ...closed, pods: [heir] })).toEqual(takeOver);
  });

  test('goes over also while its owner is still on its way out', () => {
    const leaving = podRecord({ deletion: DELETION });
    expect(wish({ pods: [leaving, heir], bound: { weight: 10 } })).toEqual(takeOver);
  });

  test('is closed first when the Pod that has the address now may not serve, and goes over then', () => {
    for (const fields of [{ ready: false }, { deletion: DELETION }]) {
      const pods = [podRecord({ ...heir, ...fields })];
      expect(wish({ ...open, pods })).toEqual(CLOSE);
      expect(wish({ ...closed, pods })).toEqual(takeOver);
    }
  });

  test('is closed and removed when the API server never confirms the Pod that is said to have the address (L12)', () => {
    expect(wish({ ...open, pods: [heir], unconfirmed: true })).toEqual(CLOSE);
    expect(wish({ ...closed, pods: [heir], unconfirmed: true })).toEqual(
      change({ kind: 'deregister', evidence: 'gone' }),
    );
  });

  test('is closed and removed when the Pod that has the address now is not wanted there, or has ended too', () => {
    const exited = [container('main', ContainerState.EXITED)];
    for (const fields of [{ labels: {} }, { deletion: DELETION, containers: exited }]) {
      const pods = [podRecord({ ...heir, ...fields })];
      expect(wish({ ...open, pods })).toEqual(CLOSE);
      expect(wish({ ...closed, pods })).toEqual(change({ kind: 'deregister', evidence: 'gone' }));
    }
  });
});

describe('a foreign target of an adopted listener', () => {
  const foreign = { bound: { weight: 10, tag: '' }, isAdopted: true };

  test('gets our mark when a living, confirmed Pod that the rule wants has its address and port (L6)', () => {
    expect(wish(foreign)).toEqual(change({ kind: 'adopt', tag: TAG }));
    expect(wish({ ...foreign, bound: { weight: 10, tag: 'made by hand' } })).toMatchObject({ kind: 'change' });
  });

  test.each<[string, Scene]>([
    ['the listener was not adopted', { isAdopted: false }],
    ['the API server has not confirmed the Pod', { unconfirmed: true }],
    ['the Pod is on its way out', { pods: [podRecord({ deletion: DELETION })] }],
    ['no Pod is there', { pods: [] }],
    ['it carries the mark of another cluster', { bound: { weight: 10, tag: TAG.replace('c1', 'c2') } }],
  ])('stays what it is while %s', (_, scene) => {
    expect(wish({ ...foreign, ...scene })).toMatchObject({ kind: 'foreign' });
  });
});
