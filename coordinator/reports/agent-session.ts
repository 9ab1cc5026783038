import type { PodRecord } from '../../common/pod-record.ts';
import type { AgentIdentity } from '../../common/report-transport.ts';
import type {
  CoordinatorEnded,
  Delta,
  DrainRequest,
  Heartbeat,
  Hello,
  NodeNotice,
  ProbeResult,
  ReportRequest,
  ReportResponse,
  Snapshot,
  Welcome,
} from '../../proto/gen/clbdirect/v1/report.ts';
import { signsIn } from './node-notice.ts';
import type { ReportEvent } from './report-event.ts';
import type { RefusalKind } from './session-refusal.ts';

/** Most Pods that one node may report: four times the largest `max-pods` known from managed clusters (500). */
export const PODS_PER_NODE_MAX = 2_000;
/** Longest identifier taken from an agent; Kubernetes names end at 253 characters, UIDs at 36. */
const IDENTIFIER_LENGTH_MAX = 253;

/** One report stream, from its first message to its last. */
export interface SessionState {
  readonly session: string;
  readonly identity: AgentIdentity;
  readonly stage: SessionStage;
}

/** First nothing but a Hello may come. */
export type SessionStage = { readonly type: 'expectingHello' } | GreetedStage;

type GreetedStage =
  /** Greeted, or out of step: deltas mean nothing until a snapshot comes. `asked`: a ResyncRequest said so. */
  | { readonly type: 'expectingSnapshot'; readonly epoch: string; readonly asked: boolean }
  /** `known`: UIDs of the Pods reported on this stream; never more than `PODS_PER_NODE_MAX`. */
  | {
      readonly type: 'following';
      readonly epoch: string;
      readonly sequence: number;
      readonly known: ReadonlySet<string>;
    };

export type SessionEffect =
  | { readonly type: 'reply'; readonly message: ReportResponse }
  | { readonly type: 'event'; readonly event: ReportEvent }
  /** A replica that ran on the agent's node has ended. */
  | { readonly type: 'coordinatorEnded'; readonly ended: CoordinatorEnded }
  /** The answer to a probe that was asked for on this stream. */
  | { readonly type: 'probed'; readonly result: ProbeResult }
  /** The stream ends; nothing follows. */
  | { readonly type: 'refuse'; readonly kind: RefusalKind; readonly message: string };

export interface SessionStep {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

export function openSession(session: string, identity: AgentIdentity): SessionState {
  return { session, identity, stage: { type: 'expectingHello' } };
}

/**
 * Takes one message of an agent. A snapshot is complete in itself and sets the sequence; a delta counts only if its
 * sequence is the next one, else one ResyncRequest goes out and deltas are dropped until a snapshot comes. A message of a
 * kind that this version does not know is taken as a sign of life.
 */
export function sessionStep(state: SessionState, request: ReportRequest, welcome: Welcome): SessionStep {
  const message = request.message;
  if (state.stage.type === 'expectingHello') {
    if (message?.$case === 'hello') return takeHello(state, message.value, welcome);
    return refuse(state, 'protocol', `the first message must be a Hello, got ${message?.$case ?? 'an unknown one'}`);
  }
  switch (message?.$case) {
    case 'hello':
      return refuse(state, 'protocol', 'a second Hello came on the same stream; open a new stream instead');
    case 'snapshot':
      return takeSnapshot(state, state.stage.epoch, message.value);
    case 'delta':
      return takeDelta(state, state.stage, message.value);
    case 'drainRequest':
      return takeDrain(state, message.value);
    case 'heartbeat':
      return takeHeartbeat(state, state.stage, message.value);
    case 'nodeNotice':
      return takeNotice(state, message.value);
    case 'probeResult':
      return { state, effects: [...heard(state).effects, { type: 'probed', result: message.value }] };
    case 'coordinatorEnded':
      return takeEnded(state, message.value);
    case undefined:
      return heard(state);
  }
}

function takeHello(state: SessionState, hello: Hello, welcome: Welcome): SessionStep {
  const { identity, session } = state;
  if (hello.nodeName !== identity.nodeName) {
    const said = hello.nodeName.slice(0, IDENTIFIER_LENGTH_MAX);
    const message = `the Hello names node "${said}", but the token of Pod ${identity.podName} is bound to node "${identity.nodeName}"; give the agent the name of its own node (--node-name from spec.nodeName)`;
    return refuse(state, 'wrong-node', message);
  }
  if (!isIdentifier(hello.epoch)) return refuse(state, 'protocol', 'the Hello carries no epoch');
  const opened: ReportEvent = {
    type: 'opened',
    node: identity.nodeName,
    session,
    agentPodUid: identity.podUid,
    agentPodName: identity.podName,
    epoch: hello.epoch,
    agentVersion: hello.agentVersion.slice(0, IDENTIFIER_LENGTH_MAX),
    startedAtMs: hello.startedAtMs,
  };
  const stage: SessionStage = { type: 'expectingSnapshot', epoch: hello.epoch, asked: false };
  return {
    state: { ...state, stage },
    effects: [reply({ $case: 'welcome', value: welcome }), { type: 'event', event: opened }],
  };
}

function takeSnapshot(state: SessionState, epoch: string, snapshot: Snapshot): SessionStep {
  const { pods, consistent, sequence, blind: isBlind } = snapshot;
  const known = new Set(pods.map(pod => pod.uid));
  const refusal = judgePods(state, pods, known.size);
  if (refusal) return refusal;
  const event: ReportEvent = { type: 'snapshot', ...origin(state), epoch, pods, consistent, isBlind };
  return {
    state: { ...state, stage: { type: 'following', epoch, sequence, known } },
    effects: [{ type: 'event', event }, reply({ $case: 'ack', value: { sequence } })],
  };
}

function takeDelta(state: SessionState, stage: GreetedStage, delta: Delta): SessionStep {
  if (stage.type !== 'following') return outOfStep(state, stage, 'a delta came before its snapshot');
  const expected = stage.sequence + 1;
  if (delta.sequence !== expected)
    return outOfStep(state, stage, `expected sequence ${expected}, got ${delta.sequence}`);
  const known = new Set(stage.known);
  for (const uid of delta.removals) known.delete(uid);
  for (const pod of delta.upserts) known.add(pod.uid);
  const refusal = judgePods(state, delta.upserts, known.size);
  if (refusal) return refusal;
  const { upserts, removals, sequence } = delta;
  return {
    state: { ...state, stage: { ...stage, sequence, known } },
    effects: [
      { type: 'event', event: { type: 'delta', ...origin(state), upserts, removals } },
      reply({ $case: 'ack', value: { sequence } }),
    ],
  };
}

function takeDrain(state: SessionState, request: DrainRequest): SessionStep {
  if (!isIdentifier(request.podUid)) return refuse(state, 'protocol', 'a DrainRequest names no Pod');
  return { state, effects: [{ type: 'event', event: { type: 'drain', ...origin(state), request } }] };
}

function takeNotice(state: SessionState, notice: NodeNotice): SessionStep {
  return { state, effects: [{ type: 'event', event: { type: 'notice', ...origin(state), signs: signsIn(notice) } }] };
}

/** Of one that names no process there is nothing to prove. */
function takeEnded(state: SessionState, ended: CoordinatorEnded): SessionStep {
  const step = heard(state);
  if (![ended.podName, ended.podUid, ended.incarnation].every(isIdentifier)) return step;
  return { state, effects: [...step.effects, { type: 'coordinatorEnded', ended }] };
}

/** Answered, so that the agent too can tell a silent stream from a quiet one. */
function takeHeartbeat(state: SessionState, stage: GreetedStage, { blind }: Heartbeat): SessionStep {
  const sequence = stage.type === 'following' ? stage.sequence : 0;
  const event: ReportEvent = { type: blind ? 'blinded' : 'heard', ...origin(state) };
  return { state, effects: [{ type: 'event', event }, reply({ $case: 'ack', value: { sequence } })] };
}

function heard(state: SessionState): SessionStep {
  return { state, effects: [{ type: 'event', event: { type: 'heard', ...origin(state) } }] };
}

/** Asks for a snapshot once, however many deltas are under way behind the one that did not fit. */
function outOfStep(state: SessionState, stage: GreetedStage, reason: string): SessionStep {
  const next = heard({ ...state, stage: { type: 'expectingSnapshot', epoch: stage.epoch, asked: true } });
  if (stage.type === 'expectingSnapshot' && stage.asked) return next;
  return { state: next.state, effects: [...next.effects, reply({ $case: 'resyncRequest', value: { reason } })] };
}

function judgePods(state: SessionState, pods: readonly PodRecord[], podCount: number): SessionStep | undefined {
  if (podCount > PODS_PER_NODE_MAX || pods.length > PODS_PER_NODE_MAX) {
    const node = state.identity.nodeName;
    return refuse(state, 'limit', `node ${node} reports ${podCount} Pods, at most ${PODS_PER_NODE_MAX} are taken`);
  }
  const nameless = pods.find(pod => ![pod.uid, pod.namespace, pod.name].every(isIdentifier));
  if (!nameless) return undefined;
  const named = JSON.stringify([nameless.namespace, nameless.name, nameless.uid]).slice(0, IDENTIFIER_LENGTH_MAX);
  return refuse(state, 'protocol', `a Pod needs namespace, name and uid, got ${named}`);
}

function refuse(state: SessionState, kind: RefusalKind, message: string): SessionStep {
  return { state, effects: [{ type: 'refuse', kind, message }] };
}

function reply(message: NonNullable<ReportResponse['message']>): SessionEffect {
  return { type: 'reply', message: { message } };
}

function origin(state: SessionState): { node: string; session: string } {
  return { node: state.identity.nodeName, session: state.session };
}

function isIdentifier(text: string): boolean {
  return text.length > 0 && text.length <= IDENTIFIER_LENGTH_MAX;
}
