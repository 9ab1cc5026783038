/** Clients with sessions of several kinds until they are told to stop, and what became of each. */
import { numberTable } from '../../../bench/number-table.ts';
import { type Clock, sleep } from '../../../common/clock.ts';
import { clientAddressPrefix } from '../product/names.ts';
import type { SessionEnd } from '../sessions/session.ts';
import { type SessionKind, sessionClient } from '../sessions/session-kind.ts';

export interface Sessions {
  readonly host: string;
  /** Last numbers of the clients' addresses, from and to. */
  readonly addresses: readonly [from: number, to: number];
  readonly kinds: readonly SessionKind[];
}

/** Of one kind. */
export interface SessionCounts {
  readonly name: string;
  readonly clients: number;
  readonly whole: number;
  readonly goodbye: number;
  readonly stopped: number;
  /** Why, each with its time of the day. */
  readonly lost: readonly string[];
}

const spreadDefaultMs = 2_000;
const betweenMs = 100;
const lossesShown = 4;

export function haveSessions(clock: Clock, sessions: Sessions, signal: AbortSignal): Promise<readonly SessionCounts[]> {
  return Promise.all(sessions.kinds.map((kind, index) => runKind(clock, sessions, kind, index, signal)));
}

async function runKind(
  clock: Clock,
  { host, addresses: [from, to] }: Sessions,
  kind: SessionKind,
  place: number,
  signal: AbortSignal,
): Promise<SessionCounts> {
  const counts = { whole: 0, goodbye: 0, stopped: 0 };
  const losses: string[] = [];
  const note = (end: SessionEnd) => {
    if (end.kind === 'lost') losses.push(`${new Date(clock.wallNow()).toISOString().slice(11, 23)} ${end.detail}`);
    else counts[end.kind] += 1;
  };
  const client = async (index: number) => {
    const session = sessionClient(kind.session);
    const clientAddress = `${clientAddressPrefix}${from + ((place * 7 + index) % (to - from + 1))}`;
    await pause(clock, ((kind.spreadMs ?? spreadDefaultMs) * index) / kind.clients, signal);
    while (!signal.aborted) {
      note(await session({ clock, host, clientAddress, signal }));
      await pause(clock, betweenMs, signal);
    }
  };
  await Promise.all(Array.from({ length: kind.clients }, (_, index) => client(index)));
  return { name: kind.name, clients: kind.clients, ...counts, lost: losses };
}

async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await sleep(clock, delayMs, signal).catch(() => undefined);
}

const columns = ['clients', 'each', 'whole', 'asked to leave', 'under way at the end', 'lost'];

/** For people: the counts as an aligned table, then the first losses of each kind. */
export function sessionsText(counts: readonly SessionCounts[]): string {
  const rows = counts.map(({ name, clients, whole, goodbye, stopped, lost }) => [
    String(clients),
    name,
    ...[whole, goodbye, stopped, lost.length].map(String),
  ]);
  const losses = counts.flatMap(({ name, lost }) =>
    lost.slice(0, lossesShown).map(detail => `  lost ${name}: ${detail}`),
  );
  return [numberTable([columns, ...rows]), ...losses].join('\n');
}
