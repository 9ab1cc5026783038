import { expect, test } from 'vitest';
import type { AgentChannel } from '../../../common/report-transport.ts';
import { type ReportMessage, ReportTap } from './report-tap.ts';

test('what is interjected takes the next number, so that nobody notices that it is not the agent who speaks', () => {
  const numbers: number[] = [];
  const channel: AgentChannel = {
    send: ({ message }) => {
      if (message?.$case === 'snapshot' || message?.$case === 'delta') numbers.push(message.value.sequence);
      return true;
    },
    writable: async () => undefined,
    received: async function* () {},
    close: () => undefined,
  };
  const tap = new ReportTap();
  const delta = (sequence: number): ReportMessage => ({
    $case: 'delta',
    value: { sequence, upserts: [], removals: [] },
  });
  const stream = tap.tapped('n1', channel);
  tap.tell('n1', delta(0));
  stream.send({ message: { $case: 'snapshot', value: { sequence: 1, pods: [], consistent: true, blind: false } } });
  tap.tell('n1', delta(0));
  stream.send({ message: delta(2) });
  tap.tell('n2', delta(0));
  expect(numbers).toEqual([1, 2, 3]);
});
