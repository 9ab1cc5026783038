import { describe, expect, test } from 'vitest';
import { renderStatusPage, span } from './status-page.ts';
import type { StatusSnapshot, TargetStatus } from './status-snapshot.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const TARGET: TargetStatus = {
  pod: 'shop/web-0',
  listener: '80/TCP',
  address: '10.0.0.7:8080',
  state: 'Opening',
  sinceMs: NOW_MS - 12_300,
  waitingFor: 'health check of CLB',
};
const SNAPSHOT: StatusSnapshot = {
  takenAtMs: NOW_MS,
  coordinator: 'coordinator-0',
  leading: true,
  leader: 'coordinator-0',
  term: 7,
  loadBalancers: [{ id: 'lb-1', vip: '43.0.0.1', listeners: ['80/TCP'], targets: [TARGET] }],
  intended: undefined,
  agents: [
    {
      node: 'node1',
      pod: 'agent-a',
      podCount: undefined,
      isBlind: true,
      connectedSinceMs: NOW_MS - 3_700_000,
      lastHeardMs: NOW_MS - 40,
      signs: ['shutdown', 'cordoned'],
    },
  ],
  agentlessNodes: [
    { node: 'eklet-1', sinceMs: NOW_MS - 60_000, isWatched: true, isLost: false },
    { node: 'node2', sinceMs: NOW_MS - 8_000, isWatched: false, isLost: true },
  ],
  missingRights: [],
  isLossHeld: false,
  recentDrains: [
    {
      pod: 'shop/web-9',
      requestedMs: NOW_MS - 65_000,
      weightZeroMs: NOW_MS - 64_580,
      connectionsEndedMs: NOW_MS - 60_000,
      deregisteredMs: undefined,
      answeredMs: undefined,
    },
  ],
};

describe('the status page', () => {
  test('tells of each target where it stands, since when, and what it waits for', () => {
    const page = words(renderStatusPage(SNAPSHOT));
    expect(page).toContain('shop/web-0 10.0.0.7:8080 80/TCP Opening 12.3 s health check of CLB');
    expect(page).toContain('0 of 1 targets serving');
    expect(page).toContain('coordinator-0 leads · term 7 · 2026-11-22T12:00:00.000Z');
  });

  test('of a replica that observes tells what it would change', () => {
    const intended = [{ loadBalancer: 'lb-1', change: 'deregister 10.0.0.7:8080' }];
    const page = words(renderStatusPage({ ...SNAPSHOT, leading: false, intended }));
    expect(page).toContain('clb-direct observing coordinator-0 · writes nothing');
    expect(page).toContain('What it would change in CLB now What TKE’s own controllers serve is taken as handed over');
    expect(page).toContain('Load balancer Change lb-1 deregister 10.0.0.7:8080');
  });

  test('of a replica that observes says so when it would change nothing', () => {
    const page = words(renderStatusPage({ ...SNAPSHOT, leading: false, intended: [] }));
    expect(page).toContain('Nothing: CLB is as Services and Pods ask for');
  });

  test('tells of each drain how long after the call every step came', () => {
    expect(words(renderStatusPage(SNAPSHOT))).toContain('shop/web-9 1 min 5 s ago +420 ms +5.0 s – –');
  });

  test('tells of each agent when it was heard, what it does not see, and what announces the end of its node', () => {
    expect(words(renderStatusPage(SNAPSHOT))).toContain(
      'node1 agent-a –, not seen: no API server 1 h 1 min 40 ms ago shutdown, cordoned',
    );
  });

  test('tells of each node without an agent who watches its Pods, and whether it is lost', () => {
    const page = words(renderStatusPage(SNAPSHOT));
    expect(page).toContain('eklet-1 1 min 0 s from here');
    expect(page).toContain('node2 8.0 s not yet, or by the leader lost: nobody reaches it');
    expect(page).not.toContain('no node is taken for lost');
    expect(words(renderStatusPage({ ...SNAPSHOT, isLossHeld: true }))).toContain('no node is taken for lost');
  });

  test('says so where there is nothing to show', () => {
    const page = words(renderStatusPage({ ...SNAPSHOT, leader: '', loadBalancers: [], agents: [], recentDrains: [] }));
    expect(page).toMatch(/nobody leads.*No Service with direct access.*No Pod was drained.*No agent is connected/);
  });

  test('shows what others wrote as text, never as markup', () => {
    const hostile = { ...TARGET, pod: '<script>alert("x")</script>', state: "\"><b onload='y'>" };
    const page = renderStatusPage({
      ...SNAPSHOT,
      loadBalancers: [{ id: '&', vip: '<', listeners: ['<i>'], targets: [hostile] }],
    });
    expect(page).not.toMatch(/<script|<b |<i>/);
    expect(page).toContain('&#60;script&#62;');
  });

  test('counts rows beyond 500 instead of showing them', () => {
    const targets = Array.from({ length: 512 }, (_, index) => ({ ...TARGET, pod: `shop/web-${index}` }));
    const page = words(
      renderStatusPage({ ...SNAPSHOT, loadBalancers: [{ id: 'lb-1', vip: 'v', listeners: [], targets }] }),
    );
    expect(page).toContain('shop/web-499 ');
    expect(page).not.toContain('shop/web-500 ');
    expect(page).toContain('and 12 more');
  });

  test('needs nothing from elsewhere', () => {
    expect(renderStatusPage(SNAPSHOT)).not.toMatch(/https?:|<script|<link|<img|@import|url\(/);
  });
});

test.each([
  [0, '0 ms'],
  [-5, '0 ms'],
  [999, '999 ms'],
  [1_000, '1.0 s'],
  [59_900, '59.9 s'],
  [61_000, '1 min 1 s'],
  [3_600_000, '1 h 0 min'],
  [90_000_000, '1 d 1 h'],
])('a span of %i ms reads %s', (durationMs, text) => {
  expect(span(durationMs)).toBe(text);
});

/** The page as a person reads it. */
function words(page: string): string {
  return page
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
}
