import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import { patch } from '../../common/kube/client.ts';
import type { Condition } from '../../common/kube/objects.ts';
import { podPath } from '../../common/kube/paths.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Random } from '../../common/random.ts';
import type { WorkQueueObserver } from '../../common/work-queue.ts';
import { TerminalError } from '../../common/workers.ts';
import { LatestWork } from './latest-work.ts';
import { writeFailure } from './write-failure.ts';

/** What a Pod's readiness gate should say. */
export interface Gate {
  readonly podUid: string;
  readonly namespace: string;
  readonly name: string;
  readonly isOpen: boolean;
  /** What the Pod's condition says now, as far as is known; a change of it is a transition. */
  readonly wasOpen: boolean;
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

export interface GateWriterOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly names: Pick<InstanceNames, 'readinessGate'>;
  readonly onError: (gate: Gate, error: unknown) => void;
  /** The API server has no such Pod any more. */
  readonly onGone?: (gate: Gate) => void;
  /** `latencyMs` from the call of `write`. */
  readonly onWritten?: (gate: Gate, latencyMs: number) => void;
  readonly observer?: WorkQueueObserver;
}

const CONCURRENCY = 50;
/** Pods whose gates wait to be written, and of as many what was written last is remembered. */
const PODS_MAX = 200_000;
const PATCH_TIMEOUT_MS = 5_000;
const BACKOFF = { initialMs: 100, maximumMs: 10_000 };
/** Other words about a gate that stays shut wait so long for yet others, and let gates that open go first. */
const WORDS_DELAY_MS = 250;

interface Request {
  readonly gate: Gate;
  readonly requestedAt: number;
}

/** Writes the readiness gate's condition into Pods. The last word per Pod counts; what is already written is skipped. */
export class GateWriter {
  readonly #options: GateWriterOptions;
  readonly #work: LatestWork<Request>;
  /** The last word that the API server took, or refused for good; by Pod UID, the oldest first. */
  readonly #written = new Map<string, Gate>();

  constructor(options: GateWriterOptions) {
    this.#options = options;
    this.#work = new LatestWork<Request>({
      clock: options.clock,
      random: options.random,
      what: 'gate of Pod',
      keysMax: PODS_MAX,
      concurrency: CONCURRENCY,
      backoff: BACKOFF,
      timeoutMs: PATCH_TIMEOUT_MS,
      work: (request, signal) => this.#write(request, signal),
      onError: ({ gate }, error) => options.onError(gate, error),
      ...(options.observer && { observer: options.observer }),
    });
  }

  /** Queues; returns false when too many Pods wait. */
  write(gate: Gate): boolean {
    const latest = this.#work.pending(gate.podUid)?.gate ?? this.#written.get(gate.podUid);
    if (latest && saysTheSame(latest, gate)) return true;
    const isOnlyWords = !gate.isOpen && latest !== undefined && !latest.isOpen;
    const request = { gate, requestedAt: this.#options.clock.now() };
    return this.#work.submit(gate.podUid, request, isOnlyWords ? WORDS_DELAY_MS : 0);
  }

  /** The Pod is leaving: what waits to be written about its gate is no longer true. */
  drop(podUid: string): void {
    this.#work.drop(podUid);
  }

  /** Writes until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    return this.#work.run(signal);
  }

  async #write({ gate, requestedAt }: Request, signal: AbortSignal): Promise<void> {
    const { transport, clock, names, onWritten, onGone } = this.#options;
    const wasOpen = this.#written.get(gate.podUid)?.isOpen ?? gate.wasOpen;
    const body = gatePatch({ ...gate, wasOpen }, names.readinessGate, clock.wallNow());
    try {
      await patch(transport, podPath(gate.namespace, gate.name, 'status'), { type: 'strategic', body }, signal);
    } catch (error) {
      const failure = writeFailure(error);
      if (failure !== 'gone' && failure !== 'invalid') throw error;
      // Asking for the same again changes nothing.
      this.#remember(gate);
      if (failure === 'gone') {
        onGone?.(gate);
        return;
      }
      throw new TerminalError(String(error), { cause: error });
    }
    this.#remember(gate);
    onWritten?.(gate, clock.now() - requestedAt);
  }

  #remember(gate: Gate): void {
    this.#written.delete(gate.podUid);
    this.#written.set(gate.podUid, gate);
    const [oldest] = this.#written.keys();
    if (this.#written.size > PODS_MAX && oldest !== undefined) this.#written.delete(oldest);
  }
}

function saysTheSame(a: Gate, b: Gate): boolean {
  return a.isOpen === b.isOpen && a.reason === b.reason && a.message === b.message;
}

/** Holds only for the Pod with this UID. Left out, the time of the last transition stays as it is. */
function gatePatch(gate: Gate, type: string, wallMs: number): object {
  const condition: Condition = {
    type,
    status: gate.isOpen ? 'True' : 'False',
    reason: gate.reason,
    message: gate.message,
    ...(gate.isOpen !== gate.wasOpen && { lastTransitionTime: new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z') }),
  };
  return { metadata: { uid: gate.podUid }, status: { conditions: [condition] } };
}
