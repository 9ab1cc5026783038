import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { API_SERVER } from '../core/node-reports.ts';
import { Knowledge } from '../knowledge.ts';
import { BlindNodes } from './blind-nodes.ts';

const OPENED = { agentPodUid: 'u', agentPodName: 'p', epoch: 'e', agentVersion: '', startedAtMs: 0 };
const FROM_AGENT = { node: 'n1', session: 's' } as const;

let clock: VirtualClock;
let knowledge: Knowledge;
let blind: BlindNodes;
let changes: string[];
let stop: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  knowledge = new Knowledge();
  changes = [];
  stop = new AbortController();
  knowledge.applyReport({ type: 'opened', ...FROM_AGENT, ...OPENED }, 0);
  list();
  blind = new BlindNodes({ clock, knowledge, onChange: node => changes.push(node) });
  running = blind.run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await running;
});

function list(): void {
  const snapshot = { type: 'snapshot', epoch: 'e', pods: [], consistent: true } as const;
  knowledge.applyReport({ ...snapshot, ...FROM_AGENT }, clock.now());
}

function loseSight(): void {
  knowledge.applyReport({ type: 'blinded', ...FROM_AGENT }, clock.now());
}

test('the sight of an agent is awaited while it is blind, at once and not only from the next look', () => {
  expect(blind.isSightAwaited('n1')).toBe(false);
  loseSight();
  expect(blind.isSightAwaited('n1')).toBe(true);
  list();
  expect(blind.isSightAwaited('n1')).toBe(false);
});

test('who waits for it is told within a second when it begins and when it ends', async () => {
  loseSight();
  await clock.advance(1_000);
  expect(changes).toEqual(['n1']);
  list();
  await clock.advance(1_000);
  expect(changes).toEqual(['n1', 'n1']);
});

test('a node is unseen while its agent is blind and nobody watches it in its place (L1)', async () => {
  expect(blind.isUnseen('n1')).toBe(false);
  loseSight();
  expect(blind.isUnseen('n1')).toBe(true);
  await clock.advance(1_000);
  knowledge.store.open('n1', 'own watch', API_SERVER);
  knowledge.store.replace('n1', [], { consistent: true, now: clock.now(), session: 'own watch' });
  expect(blind.isUnseen('n1')).toBe(false);
  await clock.advance(1_000);
  expect(changes).toEqual(['n1', 'n1']);
});

test('an agent that is blind for two minutes is not waited for any longer, until it has seen', async () => {
  loseSight();
  await clock.advance(119_000);
  expect(blind.isSightAwaited('n1')).toBe(true);
  await clock.advance(2_000);
  expect(blind.isSightAwaited('n1')).toBe(false);
  expect(changes).toEqual(['n1', 'n1']);
  list();
  await clock.advance(1_000);
  loseSight();
  expect(blind.isSightAwaited('n1')).toBe(true);
});

test('an agent whose stream is gone is not waited for: its node is watched like one without an agent', async () => {
  loseSight();
  await clock.advance(1_000);
  knowledge.applyReport({ type: 'closed', ...FROM_AGENT, reason: 'cut' }, clock.now());
  await clock.advance(1_000);
  expect(blind.isSightAwaited('n1')).toBe(false);
  expect(changes).toEqual(['n1', 'n1']);
});
