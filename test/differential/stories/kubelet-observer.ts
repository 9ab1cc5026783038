/** Answers the probes and hooks of Pods, which it is named for as their host, and remembers when each call came. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../../common/clock.ts';

export interface ObservedCall {
  readonly atMs: number;
  readonly userAgent: string;
}

export interface ObservedAnswer {
  readonly status: number;
  readonly afterMs?: number;
}

/** The answer to a path's call of this number, from 1 on; undefined: none, ever. */
export type Manner = (call: number) => ObservedAnswer | undefined;

export interface KubeletObserver extends AsyncDisposable {
  readonly port: number;
  /** From now on; other paths answer 404. */
  answer(path: string, manner: Manner): void;
  calls(path: string): readonly ObservedCall[];
}

export async function startKubeletObserver(clock: Clock): Promise<KubeletObserver> {
  const manners = new Map<string, Manner>();
  const seen = new Map<string, ObservedCall[]>();
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const calls = seen.get(path) ?? [];
    seen.set(path, calls);
    calls.push({ atMs: clock.wallNow(), userAgent: request.headers['user-agent'] ?? '' });
    const manner: Manner = manners.get(path) ?? (() => ({ status: 404 }));
    const answer = manner(calls.length);
    if (!answer) return;
    clock.schedule(answer.afterMs ?? 0, () => response.writeHead(answer.status, { connection: 'close' }).end());
  });
  server.listen(0);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    answer: (path, manner) => void manners.set(path, manner),
    calls: path => seen.get(path) ?? [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
