import { appendFileSync } from 'node:fs';
import type { Clock } from '../../common/clock.ts';

/** What the cluster's own parts have to say, as lines of JSON in a file. */
export class JsonLog {
  readonly write: (message: string, details?: Readonly<Record<string, unknown>>) => void;

  constructor(file: string, clock: Clock) {
    this.write = (message, details = {}) => {
      const line = { at: new Date(clock.wallNow()).toISOString(), message, ...plain(details) };
      appendFileSync(file, `${JSON.stringify(line)}\n`);
    };
  }
}

function plain(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(details).map(([key, value]) => [key, value instanceof Error ? value.message : value]);
  return Object.fromEntries(entries);
}
