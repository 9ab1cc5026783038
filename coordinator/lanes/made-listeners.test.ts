import { beforeEach, describe, expect, test } from 'vitest';
import type { CloudResult, Listener } from '../cloud/types.ts';
import type { ListenerWork } from '../loadbalancers/listener-work.ts';
import { VISIBLE_WITHIN_MS } from '../loadbalancers/visible-within.ts';
import { cloudError } from './fake-cloud.ts';
import { MadeListeners } from './made-listeners.ts';

const MADE_AT = 1_000;
const SHOWN_AT = MADE_AT + VISIBLE_WITHIN_MS;
const DONE: CloudResult<void> = { ok: true, value: undefined };
const LOST: CloudResult<void> = { ok: false, error: cloudError({ outcomeUnknown: true }) };
const REFUSED: CloudResult<void> = { ok: false, error: cloudError({ class: 'terminal', code: 'CD2017' }) };

const CREATE: ListenerWork = {
  kind: 'create',
  request: { name: 'web', protocol: 'HTTP', ports: [80] },
  ruleIds: ['a/80'],
};
const CREATE_RULES: ListenerWork = {
  kind: 'create-rules',
  listenerId: 'lbl-80',
  requests: [{ domain: 'example.com', url: '/' }],
  ruleIds: ['a/80/example.com'],
};
const DELETE: ListenerWork = { kind: 'delete', listenerIds: ['lbl-80'], ruleIds: [] };
const DELETE_RULES: ListenerWork = {
  kind: 'delete-rules',
  listenerId: 'lbl-80',
  locationIds: ['loc-1'],
  ruleIds: [],
};

const EMPTY: Listener = {
  id: 'lbl-80',
  name: 'web',
  protocol: 'HTTP',
  port: 80,
  healthCheck: true,
  forwardingRules: [],
};
const FULL: Listener = { ...EMPTY, forwardingRules: [{ locationId: 'loc-1', domain: 'example.com', url: '/' }] };

let made: MadeListeners;
beforeEach(() => {
  made = new MadeListeners();
});

function hidesAny(): boolean {
  return made.mayHide(() => true);
}

describe.each([
  ['a listener', CREATE, { without: [], having: [EMPTY] }, DELETE],
  ['a forwarding rule', CREATE_RULES, { without: [EMPTY], having: [FULL] }, DELETE_RULES],
  ['a forwarding rule', CREATE_RULES, { without: [], having: [FULL] }, DELETE],
] as const)('%s that was made', (_, create, { without, having }, remove) => {
  test.each([
    ['', DONE],
    [', or may have been,', LOST],
  ])('%s may be there for as long as lists tell of the time before', (_outcome, result) => {
    made.ended(create, result, MADE_AT);
    made.wasListed(without, SHOWN_AT - 1);
    expect(hidesAny()).toBe(true);
    made.wasListed(without, SHOWN_AT);
    expect(hidesAny()).toBe(false);
  });

  test('may be there after a list that lacks it, though an earlier one had it', () => {
    made.ended(create, DONE, MADE_AT);
    made.wasListed(having, MADE_AT + 100);
    expect(hidesAny()).toBe(false);
    made.wasListed(without, MADE_AT + 200);
    expect(hidesAny()).toBe(true);
  });

  test('is gone, however new it is, when it was shown and CLB says that it has deleted it', () => {
    made.ended(create, DONE, MADE_AT);
    made.wasListed(having, MADE_AT + 100);
    made.ended(remove, DONE, MADE_AT + 200);
    made.wasListed(without, MADE_AT + 300);
    expect(hidesAny()).toBe(false);
  });

  test('is not gone when nobody knows whether CLB has deleted it', () => {
    made.ended(create, DONE, MADE_AT);
    made.wasListed(having, MADE_AT + 100);
    made.ended(remove, LOST, MADE_AT + 200);
    made.wasListed(without, MADE_AT + 300);
    expect(hidesAny()).toBe(true);
  });
});

test('what CLB refuses to make is not there, and says nothing of what was made before', () => {
  made.ended(CREATE, REFUSED, MADE_AT);
  expect(hidesAny()).toBe(false);
  made.ended(CREATE, DONE, MADE_AT);
  made.ended(CREATE, REFUSED, MADE_AT + 100);
  expect(hidesAny()).toBe(true);
});

test('what was made is told by the rule that it was made for', () => {
  made.ended(CREATE, DONE, MADE_AT);
  expect(made.mayHide(id => id === 'a/80')).toBe(true);
  expect(made.mayHide(id => id === 'b/80')).toBe(false);
});
