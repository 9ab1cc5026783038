import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LineReader, LineTooLongError } from './line-reader.ts';

it('gives the same lines however the bytes are cut', () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 20 }).filter(text => text !== '' && !text.includes('\n'));
  fc.assert(
    fc.property(fc.array(line), fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (lines, sizes) => {
      const bytes = Buffer.from(lines.map(text => `${text}\n`).join(''));
      const reader = new LineReader(1_000);
      const read: string[] = [];
      for (let start = 0; start < bytes.length; ) {
        const end = start + sizes.next().value;
        read.push(...reader.push(bytes.subarray(start, end)));
        start = end;
      }
      expect(read).toEqual(lines.map(text => Buffer.from(text).toString()));
      expect(reader.end()).toBe('');
    }),
  );
});

it('keeps what follows the last newline for the end', () => {
  const reader = new LineReader(100);
  expect([...reader.push(Buffer.from('a\nb'))]).toEqual(['a']);
  expect(reader.end()).toBe('b');
});

it('refuses a line beyond its limit before it is complete', () => {
  const reader = new LineReader(4);
  expect([...reader.push(Buffer.from('1234\n123'))]).toEqual(['1234']);
  expect(() => [...reader.push(Buffer.from('45'))]).toThrow(LineTooLongError);
});
