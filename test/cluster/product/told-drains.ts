import { readFileSync } from 'node:fs';

/** Why an agent says it answered a Pod's preStop. */
export interface ToldDrain {
  readonly reason: string;
  readonly heldMs: number;
}

interface LogLine {
  readonly message: string;
  readonly pod?: string;
  readonly reason?: string;
  readonly heldMs?: number;
}

/** By name of the Pod, `namespace/name`, from the logs of agents. Only to hold others' records against. */
export function toldDrains(logFiles: readonly string[]): ReadonlyMap<string, ToldDrain> {
  const lines = logFiles.flatMap(file => readFileSync(file, 'utf8').split('\n'));
  const answers = lines
    .filter(line => line.includes('"message":"preStop answered'))
    .map(line => JSON.parse(line) as LogLine);
  return new Map(answers.map(({ pod = '', reason = '', heldMs = 0 }) => [pod, { reason, heldMs }]));
}
