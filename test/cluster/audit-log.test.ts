import { expect, test } from 'vitest';
import { parseAuditLog } from './audit-log.ts';

const user = { username: 'system:serviceaccount:clb-direct:clb-direct-agent' };
const requestReceivedTimestamp = '2026-01-01T00:00:01.250000Z';
const event = (objectRef: object | undefined, more: object = {}) =>
  JSON.stringify({ requestReceivedTimestamp, verb: 'get', user, objectRef, responseStatus: { code: 200 }, ...more });
const deedOf = (line: string) => parseAuditLog(line)[0]?.deed;

test('tells who asked for what and when, and what the answer was', () => {
  const objectRef = { resource: 'pods', namespace: 'default', name: 'web-a', apiVersion: 'v1', subresource: 'status' };
  const line = event(objectRef, { verb: 'patch', responseStatus: { code: 403 } });
  expect(parseAuditLog(`${line}\n`)).toEqual([
    {
      atMs: Date.UTC(2026, 0, 1, 0, 0, 1, 250),
      serviceAccount: 'clb-direct-agent',
      deed: { verb: 'patch', group: '', resource: 'pods/status', namespace: 'default', name: 'web-a' },
      status: 403,
    },
  ]);
});

test('tells collections of the whole cluster without namespace and name', () => {
  const line = event({ resource: 'replicasets', apiGroup: 'apps' }, { verb: 'list' });
  expect(deedOf(line)).toEqual({ verb: 'list', group: 'apps', resource: 'replicasets', namespace: '', name: '' });
});

test('gives what is being created no name, as RBAC does', () => {
  const line = event({ resource: 'leases', namespace: 'clb-direct', name: 'clb-direct' }, { verb: 'create' });
  expect(deedOf(line)).toMatchObject({ namespace: 'clb-direct', name: '' });
});

test('leaves out users that are no ServiceAccounts, and paths that name no resource', () => {
  const lines = [event({ resource: 'pods' }, { user: { username: 'admin' } }), event(undefined)];
  expect(parseAuditLog(lines.join('\n'))).toEqual([]);
});
