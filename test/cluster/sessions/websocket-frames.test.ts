import { describe, expect, test } from 'vitest';
import { acceptKey, closeFrame, FrameReader, goingAway, textFrame } from './websocket-frames.ts';

test("the answer to a key is that of the standard's example", () => {
  expect(acceptKey('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

describe.each(['client', 'server'] as const)('frames of a %s', from => {
  const bytes = Buffer.concat([textFrame('one', from), textFrame('two', from), closeFrame(goingAway, from)]);
  const frames = [
    { kind: 'text', text: 'one' },
    { kind: 'text', text: 'two' },
    { kind: 'close', code: goingAway },
  ];

  test('are read all at once', () => expect(new FrameReader().feed(bytes)).toEqual(frames));

  test('are read byte by byte', () => {
    const reader = new FrameReader();
    expect([...bytes].flatMap(byte => reader.feed(Buffer.from([byte])))).toEqual(frames);
  });
});

test("the standard's example of a masked text is read", () => {
  const bytes = Buffer.from([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
  expect(new FrameReader().feed(bytes)).toEqual([{ kind: 'text', text: 'Hello' }]);
});

test('a frame that is neither text nor close is skipped', () => {
  const ping = Buffer.from([0x89, 0x00]);
  expect(new FrameReader().feed(Buffer.concat([ping, textFrame('on', 'server')]))).toEqual([
    { kind: 'text', text: 'on' },
  ]);
});
