import { expect, test } from 'vitest';
import type { AuditedRequest } from '../../test/cluster/audit-log.ts';
import { requestCounts, total } from './request-counts.ts';

const request = (atMs: number, verb: string, resource: string): AuditedRequest => ({
  atMs,
  serviceAccount: 'coordinator',
  deed: { verb, group: '', resource, namespace: 'default', name: '' },
  status: 200,
});

test('counts requests by account, verb and resource, most first', () => {
  const requests = [request(5, 'get', 'pods'), request(6, 'patch', 'pods/status'), request(7, 'patch', 'pods/status')];
  const counts = requestCounts(requests, { fromMs: 0, toMs: 10 });
  expect([...counts]).toEqual([
    ['coordinator patch pods/status', 2],
    ['coordinator get pods', 1],
  ]);
  expect(total(counts)).toBe(3);
});

test('leaves out what came before the window, or at its end', () => {
  const requests = [4, 5, 9, 10].map(atMs => request(atMs, 'get', 'pods'));
  expect(total(requestCounts(requests, { fromMs: 5, toMs: 10 }))).toBe(2);
});

test('leaves out watches, which the log has twice and which last', () => {
  const requests = [request(5, 'watch', 'pods'), request(6, 'watch', 'pods'), request(7, 'list', 'pods')];
  expect([...requestCounts(requests, { fromMs: 0, toMs: 10 }).keys()]).toEqual(['coordinator list pods']);
});
