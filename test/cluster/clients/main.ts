/** Runs the clients that `client-process.ts` names, until it says that it is over or is gone. */
import { once } from 'node:events';
import { type Clock, systemClock } from '../../../common/clock.ts';
import type { ClientMessage, ClientTask } from './client-process.ts';
import { sendRequests } from './requests.ts';
import { haveSessions } from './session-run.ts';

process.on('disconnect', () => process.exit(1));
const [task] = (await once(process, 'message')) as [ClientTask];
const stop = new AbortController();
process.once('message', () => stop.abort());
const running = run(systemClock(), task, stop.signal);
tell({ kind: 'begun' });
tell({ kind: 'ended', result: await running });

function run(clock: Clock, task: ClientTask, signal: AbortSignal): Promise<unknown> {
  switch (task.kind) {
    case 'requests':
      return sendRequests(clock, task.requests, signal);
    case 'sessions':
      return haveSessions(clock, task.sessions, signal);
  }
}

function tell(message: ClientMessage): void {
  process.send?.(message);
}
