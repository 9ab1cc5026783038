import { type Clock, sleep } from '../../../common/clock.ts';
import type { Container, Probe } from '../../../common/kube/objects.ts';
import type { NodeNetwork } from './node-network.ts';
import { headersOf, pathOf, portNumber } from './pre-stop.ts';

export interface ProbeState {
  /** What counts now; undefined until a threshold was reached. */
  readonly isPassing: boolean | undefined;
  readonly lastResult: boolean | undefined;
  readonly run: number;
}

export const UNPROBED: ProbeState = { isPassing: undefined, lastResult: undefined, run: 0 };

/** Counts equal results; only as many in a row as the threshold asks for change what counts. */
export function afterProbe(state: ProbeState, result: boolean, probe: Probe): ProbeState {
  const run = state.lastResult === result ? state.run + 1 : 1;
  const threshold = result ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  return { isPassing: run >= threshold ? result : state.isPassing, lastResult: result, run };
}

export interface ProbeOptions {
  readonly probe: Probe;
  readonly container: Container;
  readonly podIp: string;
  readonly network: NodeNetwork;
  readonly clock: Clock;
  /** Called when what counts changes, or is first known. */
  readonly onChange: (isPassing: boolean) => void;
}

/** Probes at the probe's period until `signal` aborts; never rejects. */
export async function runProbe(options: ProbeOptions, signal: AbortSignal): Promise<void> {
  const { probe, clock, onChange } = options;
  let state = UNPROBED;
  const pause = (seconds: number) => sleep(clock, seconds * 1000, signal).catch(() => undefined);
  await pause(probe.initialDelaySeconds ?? 0);
  while (!signal.aborted) {
    const result = await attempt(options, signal);
    if (signal.aborted) return;
    const next = afterProbe(state, result, probe);
    if (next.isPassing !== undefined && next.isPassing !== state.isPassing) onChange(next.isPassing);
    state = next;
    await pause(probe.periodSeconds ?? 10);
  }
}

/** One try: an answer from 200 to 399, or a connection. */
async function attempt({ probe, container, podIp, network }: ProbeOptions, signal: AbortSignal): Promise<boolean> {
  const action = probe.httpGet ?? probe.tcpSocket;
  const port = action && portNumber(action.port, container);
  if (!action || port === undefined) return false;
  const target = { host: action.host || podIp, port, timeoutMs: (probe.timeoutSeconds ?? 1) * 1000 };
  try {
    if (!probe.httpGet) {
      await network.connect(target, signal);
      return true;
    }
    const headers = { ...headersOf(probe.httpGet), 'user-agent': 'kube-probe/1.34' };
    const { status } = await network.httpGet({ ...target, path: pathOf(probe.httpGet), headers }, signal);
    return status >= 200 && status < 400;
  } catch {
    return false;
  }
}
