import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { ClbError } from './clb-error.ts';
import type { ProbeTarget } from './health-checker.ts';
import type { JournalRecord } from './journal.ts';
import { ClbServer } from './server.ts';
import { type ClbSettings, defaultSettings, vipsOfPrefix } from './settings.ts';
import type { Protocol } from './state.ts';

/** What a test wants otherwise than the defaults. */
export interface FixtureOptions {
  readonly seed?: number;
  readonly latency?: Partial<ClbSettings['latency']>;
  readonly quota?: Partial<ClbSettings['quota']>;
  readonly manners?: Partial<ClbSettings['manners']>;
  readonly forwarding?: Partial<ClbSettings['forwarding']>;
  readonly vpcId?: string;
  readonly instances?: ClbSettings['instances'];
}

export interface Fixture {
  readonly clock: VirtualClock;
  readonly server: ClbServer;
  /** Addresses that fail their probes. */
  readonly sick: Set<string>;
  /** Addresses that never answer a probe. */
  readonly mute: Set<string>;
  readonly probes: ProbeTarget[];
  /** Runs the clock until the call is answered. */
  call(action: string, parameters: object): Promise<Record<string, unknown>>;
  /** The error code of a call; `''` when it succeeds. */
  codeOf(action: string, parameters: object): Promise<string>;
  /** Runs the clock until the task of `answer` has ended and the load balancer is idle again. */
  finished(answer: Record<string, unknown>): Promise<void>;
}

const ANSWER_LIMIT_MS = 60_000;

/** A server in virtual time whose targets pass their probes unless a test says otherwise. */
export function fixture(options: FixtureOptions = {}): Fixture {
  const clock = new VirtualClock();
  const sick = new Set<string>();
  const mute = new Set<string>();
  const probes: ProbeTarget[] = [];
  const server = new ClbServer({
    clock,
    random: seededRandom(options.seed ?? 1),
    settings: settingsOf(options),
    async probe(target) {
      probes.push(target);
      if (mute.has(target.address)) await new Promise(() => undefined);
      return !sick.has(target.address);
    },
  });
  const call = async (action: string, parameters: object) => {
    let isAnswered = false;
    const answer = server.call(action, parameters).finally(() => {
      isAnswered = true;
    });
    answer.catch(() => undefined);
    await clock.advanceUntil(() => isAnswered, ANSWER_LIMIT_MS);
    return answer;
  };
  return {
    clock,
    server,
    sick,
    mute,
    probes,
    call,
    codeOf: (action, parameters) => call(action, parameters).then(() => '', errorCode),
    async finished(answer) {
      let status: unknown = 2;
      while (status === 2) {
        ({ Status: status } = await call('DescribeTaskStatus', { TaskId: answer.RequestId }));
        await clock.advance(100);
      }
      await clock.advance(server.settings().latency.busyTailMaxMs);
    },
  };
}

function settingsOf(options: FixtureOptions): ClbSettings {
  const defaults = defaultSettings(vipsOfPrefix('127.100.0'));
  return {
    ...defaults,
    latency: { ...defaults.latency, ...options.latency },
    quota: { ...defaults.quota, ...options.quota },
    manners: { ...defaults.manners, ...options.manners },
    forwarding: { ...defaults.forwarding, ...options.forwarding },
    instances: options.instances ?? {},
    ...(options.vpcId === undefined ? {} : { vpcId: options.vpcId }),
  };
}

function errorCode(error: unknown): string {
  if (error instanceof ClbError) return error.code;
  throw error;
}

/** A seeded load balancer with one listener; returns what calls need. */
export async function withListener(
  { server, call, finished }: Fixture,
  listener: {
    readonly Protocol?: Protocol;
    readonly HealthCheck?: object;
    readonly SessionExpireTime?: number;
  } = {},
): Promise<{ readonly loadBalancerId: string; readonly listenerId: string; readonly vip: string }> {
  const { id, vip } = server.seed({});
  const answer = await call('CreateListener', { LoadBalancerId: id, Ports: [80], Protocol: 'TCP', ...listener });
  await finished(answer);
  const [listenerId] = answer.ListenerIds as string[];
  return { loadBalancerId: id, listenerId: listenerId ?? '', vip };
}

/** A seeded load balancer with an HTTP listener that has these rules; their ids are in the order given. */
export async function withRules(
  clb: Fixture,
  ...rules: readonly { readonly Domain: string; readonly Url: string; readonly HealthCheck?: object }[]
) {
  const listener = await withListener(clb, { Protocol: 'HTTP' });
  const listenerName = { LoadBalancerId: listener.loadBalancerId, ListenerId: listener.listenerId };
  const answer = await clb.call('CreateRule', { ...listenerName, Rules: rules });
  await clb.finished(answer);
  return { ...listener, listenerName, locationIds: answer.LocationIds as string[] };
}

/** Targets 10.0.0.1, 10.0.0.2, … on port 8080. */
export function targets(listenerId: string, count: number, weight = 10): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, index) => ({
    ListenerId: listenerId,
    EniIp: `10.0.${Math.floor(index / 250)}.${(index % 250) + 1}`,
    Port: 8080,
    Weight: weight,
  }));
}

export function recordsOf<K extends JournalRecord['kind']>(
  server: ClbServer,
  kind: K,
): Extract<JournalRecord, { kind: K }>[] {
  return server.journal
    .records()
    .filter((record): record is Extract<JournalRecord, { kind: K }> & { sequence: number } => record.kind === kind);
}
