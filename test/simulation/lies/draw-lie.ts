import { ContainerState, type PodRecord } from '../../../common/pod-record.ts';
import { type Random, randomInteger } from '../../../common/random.ts';
import { DrainPhase, NodeSignKind, PodPhase } from '../../../proto/gen/clbdirect/v1/report.ts';
import { pick } from '../pick.ts';
import type { ReportedPod, ReportMessage, ReportTap } from './report-tap.ts';

const GRACE_SECONDS = 30;
const BUDGET_MS = 30_000;

/** What an agent may say that is not so. */
export interface Lie {
  readonly text: string;
  readonly message: ReportMessage;
}

interface Liar {
  readonly nodeName: string;
  readonly tap: Pick<ReportTap, 'pods' | 'welcomes'>;
  readonly random: Random;
  readonly wallNow: number;
  /** The coordinators that run on its node: who holds that node holds their keys, and needs no lies about them. */
  readonly ownCoordinators: ReadonlySet<string>;
}

/** Undefined where there is nothing that it could be about. */
export function drawLie(liar: Liar): Lie | undefined {
  const claims = [claim, claim, claim, addressTaken, invention];
  const tellers = [...claims, removal, removal, hook, hook, omission, notice, ended, blindness];
  return pick(liar.random, tellers)(liar);
}

/** About a Pod of another node, as if it were its own. */
export function claimOf({ record }: ReportedPod, { random, wallNow }: Pick<Liar, 'random' | 'wallNow'>): Lie {
  const versions: readonly Partial<PodRecord>[] = [
    {},
    { deletion: { seenAtMs: wallNow, gracePeriodSeconds: GRACE_SECONDS } },
    { ready: false },
    { addresses: [] },
    { phase: PodPhase.SUCCEEDED },
    { labels: { ...record.labels, app: 'nobody' } },
    { containers: record.containers.map(container => ({ ...container, state: ContainerState.EXITED })) },
  ];
  const version = pick(random, versions);
  return delta(`${record.name} is here (${Object.keys(version).join()})`, { upserts: [{ ...record, ...version }] });
}

function claim(liar: Liar): Lie | undefined {
  const victim = pickPod(liar, isElsewhere(liar));
  return victim && claimOf(victim, liar);
}

/** One of its own Pods has the address of one of another node. */
function addressTaken(liar: Liar): Lie | undefined {
  const own = pickPod(liar, ({ nodeName }) => nodeName === liar.nodeName);
  const victim = pickPod(liar, isElsewhere(liar));
  if (!own || !victim) return undefined;
  const { addresses, name } = victim.record;
  return delta(`${own.record.name} has the address of ${name}`, { upserts: [{ ...own.record, addresses }] });
}

function invention(liar: Liar): Lie | undefined {
  const victim = pickPod(liar, isElsewhere(liar));
  if (!victim) return undefined;
  const name = `invented-${randomInteger(liar.random, 1_000, 9_999)}`;
  const invented = { ...victim.record, name, uid: `${name}-uid`, ready: true };
  return delta(`${name} has the address of ${victim.record.name}`, { upserts: [invented] });
}

function removal(liar: Liar): Lie | undefined {
  const victim = pickPod(liar, () => true);
  return victim && delta(`${victim.record.name} is gone`, { removals: [victim.record.uid] });
}

function hook(liar: Liar): Lie | undefined {
  const victim = pickPod(liar, () => true);
  if (!victim) return undefined;
  const name = pick(liar.random, ['BEGIN', 'CONNECTIONS_ENDED', 'ANSWERED'] as const);
  const phase = DrainPhase[name];
  const answer = { reason: 'drained', connectionsLeft: 0, heldMs: 1_000, lastArrivalMs: undefined };
  const request = { podUid: victim.record.uid, phase, budgetMs: BUDGET_MS, answer: undefined };
  const isAnswered = phase === DrainPhase.ANSWERED;
  return {
    text: `the hook of ${victim.record.name} is at ${name}`,
    message: { $case: 'drainRequest', value: isAnswered ? { ...request, answer } : request },
  };
}

/** A list that leaves Pods out and says that it is complete. */
function omission({ nodeName, tap, random }: Liar): Lie {
  const own = [...tap.pods.values()].filter(pod => pod.nodeName === nodeName);
  const pods = own.filter(() => random.next() < 0.5).map(({ record }) => record);
  return {
    text: `there are ${pods.length} of ${own.length} Pods`,
    message: { $case: 'snapshot', value: { sequence: 0, pods, consistent: true, blind: false } },
  };
}

function notice({ wallNow }: Liar): Lie {
  const signs = [{ kind: NodeSignKind.SHUTDOWN, detail: 'the machine goes down', seenAtMs: wallNow }];
  return { text: 'the machine goes down', message: { $case: 'nodeNotice', value: { signs } } };
}

/** Its own node is watched by the leader then, and of it the API server is believed. */
function blindness(): Lie {
  return { text: 'it does not see its Pods', message: { $case: 'heartbeat', value: { blind: true } } };
}

function ended({ tap, random, ownCoordinators }: Liar): Lie | undefined {
  const welcomes = [...tap.welcomes.values()].filter(({ podUid }) => !ownCoordinators.has(podUid));
  if (welcomes.length === 0) return undefined;
  const { coordinator: podName, podUid, incarnation } = pick(random, welcomes);
  const value = { podName, podUid, incarnation };
  return { text: `${podName} has ended`, message: { $case: 'coordinatorEnded', value } };
}

function delta(
  text: string,
  { upserts = [], removals = [] }: { readonly upserts?: PodRecord[]; readonly removals?: string[] },
): Lie {
  return { text, message: { $case: 'delta', value: { sequence: 0, upserts, removals } } };
}

function isElsewhere(liar: Liar): (pod: ReportedPod) => boolean {
  return ({ nodeName, record }) => nodeName !== liar.nodeName && record.addresses.length > 0;
}

function pickPod({ tap, random }: Liar, isMeant: (pod: ReportedPod) => boolean): ReportedPod | undefined {
  const pods = [...tap.pods.values()].filter(isMeant);
  return pods.length > 0 ? pick(random, pods) : undefined;
}
