/**
 * Clients in a process of their own: what the suite does meanwhile (reading the logs of all nodes takes seconds) does not
 * hold them up, and neither does what the machine's processors do beside it.
 */
import { fork } from 'node:child_process';
import { on, once } from 'node:events';
import { join } from 'node:path';
import { type Clock, sleep } from '../../../common/clock.ts';
import type { LoadReport } from '../../../sandbox/load/tally.ts';
import { takePrecedence } from '../precedence.ts';
import type { Clients } from './requests.ts';
import type { SessionCounts, Sessions } from './session-run.ts';

/** What the process is told first; after it only that it is over. */
export type ClientTask =
  | { readonly kind: 'requests'; readonly requests: Clients }
  | { readonly kind: 'sessions'; readonly sessions: Sessions };

export type ClientMessage = { readonly kind: 'begun' } | { readonly kind: 'ended'; readonly result: unknown };

const program = join(import.meta.dirname, 'main.ts');

/** Requests while something happens. @throws what the deed throws */
export async function requestsDuring(
  clock: Clock,
  requests: Clients,
  deed: () => Promise<unknown>,
): Promise<LoadReport> {
  const times = { warmUpMs: 2_000, afterMs: 1_000 };
  return (await clientsDuring(clock, { kind: 'requests', requests }, times, deed)) as LoadReport;
}

/** Sessions while something happens. @throws what the deed throws */
export async function sessionsDuring(
  clock: Clock,
  sessions: Sessions,
  deed: () => Promise<unknown>,
): Promise<readonly SessionCounts[]> {
  const times = { warmUpMs: 3_000, afterMs: 0 };
  return (await clientsDuring(clock, { kind: 'sessions', sessions }, times, deed)) as readonly SessionCounts[];
}

async function clientsDuring(
  clock: Clock,
  task: ClientTask,
  { warmUpMs, afterMs }: { readonly warmUpMs: number; readonly afterMs: number },
  deed: () => Promise<unknown>,
): Promise<unknown> {
  const child = fork(program, { detached: true, execArgv: [], serialization: 'advanced' });
  const stop = new AbortController();
  const isOver = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the clients' process ended too early: ${signal ?? `exit code ${code}`}`);
  });
  // Heard only while something is waited for.
  isOver.catch(() => {});
  const messages = on(child, 'message');
  const next = async (): Promise<ClientMessage | undefined> =>
    (await Promise.race([messages.next(), isOver])).value?.[0];
  try {
    await once(child, 'spawn');
    // A client who waits for a processor would count as lost what nobody has lost.
    if (child.pid !== undefined) takePrecedence(child.pid);
    child.send(task);
    await next();
    await sleep(clock, warmUpMs, stop.signal);
    await deed();
    await sleep(clock, afterMs, stop.signal);
    child.send('stop');
    const message = await next();
    if (message?.kind !== 'ended') throw new Error('the clients have no result');
    return message.result;
  } finally {
    child.kill('SIGKILL');
  }
}
