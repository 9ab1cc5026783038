import type { Clock } from '../../../common/clock.ts';
import { Link } from '../link.ts';
import { ProcessClock, type Sleep } from './process-clock.ts';

/** What a process runs, and what it needs for it. */
export interface Body {
  readonly clock: ProcessClock;
  readonly kube: Link;
  readonly clb: Link;
  /** Aborts when the process is severed. */
  readonly severed: AbortSignal;
  /** Aborts at SIGTERM. */
  readonly stop: AbortSignal;
}

/** A process of the system. It can be ended kindly, by aborting `stop` (SIGTERM), or killed with `sever`. */
export interface Process {
  readonly name: string;
  readonly clock: ProcessClock;
  readonly stop: AbortController;
  /** Resolves when it has ended by itself; never for one that was killed. */
  readonly done: Promise<void>;
  /** Its ways to the API server and to CLB. */
  readonly kube: Link;
  readonly clb: Link;
  /** World milliseconds of its death by `sever`; undefined while it lives or when it ended kindly. */
  readonly severedAt: number | undefined;
  readonly sleeps: readonly Sleep[];
  /** SIGKILL: nothing that it does has an effect from now on, its sockets break, and nobody answers for it. */
  sever(): void;
}

export interface ProcessOptions {
  readonly name: string;
  /** The world's. */
  readonly clock: Clock;
  readonly onSevered: () => void;
  readonly run: (body: Body) => Promise<void>;
}

export function startProcess({ name, clock, onSevered, run }: ProcessOptions): Process {
  const own = new ProcessClock(clock);
  const stop = new AbortController();
  const severed = new AbortController();
  const [kube, clb] = [new Link(clock, own), new Link(clock, own)];
  let severedAt: number | undefined;
  const sever = () => {
    if (severed.signal.aborted) return;
    severedAt = clock.wallNow();
    onSevered();
    own.end();
    for (const link of [kube, clb]) link.set('silent');
    severed.abort();
    stop.abort();
  };
  const done = run({ clock: own, kube, clb, severed: severed.signal, stop: stop.signal });
  return {
    name,
    clock: own,
    stop,
    done,
    kube,
    clb,
    sever,
    sleeps: own.sleeps,
    get severedAt() {
      return severedAt;
    },
  };
}
