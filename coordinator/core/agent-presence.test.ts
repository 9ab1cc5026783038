import { beforeEach, describe, expect, test } from 'vitest';
import { AgentPresence, SILENT_STREAM_MS, SILENT_WITHOUT_STREAM_MS } from './agent-presence.ts';

let presence: AgentPresence;
beforeEach(() => {
  presence = new AgentPresence();
});

describe('an agent is missing', () => {
  test('from the moment on at which its node is known', () => {
    presence.expect('n1', 100);
    presence.expect('n1', 900);
    expect(presence.missingSince('n1')).toBe(100);
    expect(presence.hasSpoken('n1')).toBe(false);
    expect(presence.silentSince('n1', 1_000_000)).toBeUndefined();
  });

  test('until it has told of its Pods: that it is connected is not enough', () => {
    presence.expect('n1', 100);
    presence.opened('n1', 's1', 200);
    expect(presence.isReporting('n1')).toBe(false);
    expect(presence.missingSince('n1')).toBe(100);
    presence.told('n1', 's1', 300);
    expect(presence.isReporting('n1')).toBe(true);
    expect(presence.missingSince('n1')).toBeUndefined();
  });

  test('when its last stream has ended, and not while the node’s other agent reports', () => {
    for (const session of ['s1', 's2']) {
      presence.opened('n1', session, 0);
      presence.told('n1', session, 0);
    }
    presence.closed('n1', 's1', 100);
    expect(presence.missingSince('n1')).toBeUndefined();
    presence.closed('n1', 's2', 200);
    expect(presence.missingSince('n1')).toBe(200);
  });
});

describe('a node is silent', () => {
  beforeEach(() => {
    presence.opened('n1', 's1', 0);
    presence.heard('n1', 1_000);
  });

  test('a while after its last stream has ended', () => {
    presence.closed('n1', 's1', 2_000);
    expect(presence.silentSince('n1', 2_000 + SILENT_WITHOUT_STREAM_MS - 1)).toBeUndefined();
    expect(presence.silentSince('n1', 2_000 + SILENT_WITHOUT_STREAM_MS)).toBe(1_000);
  });

  test('on an open stream on which nothing comes', () => {
    expect(presence.silentSince('n1', 1_000 + SILENT_STREAM_MS - 1)).toBeUndefined();
    expect(presence.silentSince('n1', 1_000 + SILENT_STREAM_MS)).toBe(1_000);
  });

  test('no more when a new stream is opened', () => {
    presence.closed('n1', 's1', 2_000);
    presence.opened('n1', 's2', 9_000);
    expect(presence.silentSince('n1', 9_000)).toBeUndefined();
  });
});

test('a node is forgotten only when no stream of it is open', () => {
  presence.opened('n1', 's1', 0);
  presence.forget('n1');
  expect([...presence.nodes]).toEqual(['n1']);
  presence.closed('n1', 's1', 1);
  presence.forget('n1');
  expect([...presence.nodes]).toEqual([]);
});
