import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EventFigures, EventOptions, StartFigures } from './measure.ts';
import type { ScaleSize } from './population.ts';

const CHILD = join(import.meta.dirname, 'measure-main.ts');
/** So that hardly any garbage is collected in the middle of an event; memory is measured without it. */
const LARGE_NURSERY = ['--min-semi-space-size=256', '--max-semi-space-size=256'];

/** Each measurement in a process of its own, so that none sees the memory of another. */
export function startInProcess(size: ScaleSize): Promise<StartFigures> {
  return measure([], { phase: 'start', size });
}

export function eventsInProcess(size: ScaleSize, options: EventOptions): Promise<EventFigures> {
  return measure(LARGE_NURSERY, { phase: 'events', size, options });
}

async function measure<T>(flags: readonly string[], task: object): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    ...flags,
    CHILD,
    JSON.stringify(task),
  ]);
  return JSON.parse(stdout) as T;
}
