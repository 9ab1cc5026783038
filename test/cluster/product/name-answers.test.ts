import { expect, test } from 'vitest';
import { answerName, questionOf } from './name-answers.ts';

/** `dig A coordinator.test`, as it goes over the wire. */
const asked = Buffer.from(
  '1234010000010000000000000b636f6f7264696e61746f720474657374000001 0001'.replace(' ', ''),
  'hex',
);

test('a question is read with its name and type', () => {
  expect(questionOf(asked)).toMatchObject({ id: 0x1234, name: 'coordinator.test', type: 1 });
});

test('is answered with every address, behind the question as it was', () => {
  const question = questionOf(asked);
  const answer = question ? answerName(question, ['10.0.0.1', '10.0.0.2']).toString('hex') : '';
  const header = '123485800001000200000000';
  const record = 'c00c00010001000000010004';
  const theQuestion = asked.toString('hex').slice(header.length);
  expect(answer).toBe(`${header}${theQuestion}${record}0a000001${record}0a000002`);
});

test('has no addresses of another type, and of a name without any that there is no such name', () => {
  const question = questionOf(asked);
  if (!question) throw new Error('no question');
  expect(answerName({ ...question, type: 28 }, ['10.0.0.1']).readUInt16BE(6)).toBe(0);
  expect(answerName(question, []).readUInt16BE(2) & 0xf).toBe(3);
});

test.each([0, 5, 12, 20, asked.length - 1])('a message cut after %i bytes is none', length => {
  expect(questionOf(asked.subarray(0, length))).toBeUndefined();
});
