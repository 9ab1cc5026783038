import { beforeEach, expect, it } from 'vitest';
import type { Logger } from './logger.ts';
import { pinoLogger } from './pino-logger.ts';

let lines: string[];
let logger: Logger;

beforeEach(() => {
  lines = [];
  logger = pinoLogger({ level: 'info', destination: { write: line => lines.push(line) } });
});

it('writes level, message and fields as one JSON object a line', () => {
  logger.child({ component: 'lease' }).warn('renewal failed', { attempt: 2 });
  expect(record()).toMatchObject({ level: 'warn', component: 'lease', attempt: 2, message: 'renewal failed' });
  expect(lines[0]?.endsWith('\n')).toBe(true);
});

it('writes the type, message and stack of an error', () => {
  logger.error('failed', { error: new TypeError('bad') });
  expect(record()).toMatchObject({ error: { type: 'TypeError', message: 'bad' }, message: 'failed' });
  expect(String((record().error as { stack: string }).stack)).toContain('pino-logger.test.ts');
});

it('writes what was thrown even if it is no error', () => {
  logger.error('failed', { error: 'text' });
  expect(record().error).toBe('text');
});

it('leaves out what is below its level', () => {
  logger.debug('detail');
  expect(lines).toEqual([]);
});

function record(): Record<string, unknown> {
  return JSON.parse(lines[0] ?? '{}') as Record<string, unknown>;
}
