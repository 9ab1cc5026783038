import type { KubeObject } from '../../../common/kube/objects.ts';
import type { KubeResponse } from '../../../common/kube/transport.ts';
import { paths, type Side, succeed } from '../side.ts';
import { lease } from './bodies.ts';
import { type ComparedRequest, create, get, put } from './compared-request.ts';

const { leases } = paths;
const contended = `${leases}/contended`;

/** Two that want to lead at the same moment: one does, the other is told. */
export const leaseRaces: readonly ComparedRequest[] = [
  {
    name: 'two create a Lease at once',
    send: side => race(holder => create(side, leases, lease('contended', { holderIdentity: holder }))),
  },
  {
    name: 'two take a Lease at once',
    async send(side) {
      const read = await succeed(get(side, contended));
      // New for whoever holds it: a write that changes nothing is none, and would let the other one win as well.
      const spec = { leaseTransitions: 7 };
      return race(holder => put(side, contended, { ...read, spec: { ...spec, holderIdentity: holder } }));
    },
  },
  { name: 'a Lease that has changed hands since it was read', send: lateTaker },
  {
    name: 'a Lease with its times',
    async send(side) {
      const times = { acquireTime: '2026-11-22T08:00:00.000000Z', renewTime: '2026-11-22T08:00:01.234567Z' };
      const read = await succeed(get(side, contended));
      const spec = { holderIdentity: 'one', leaseDurationSeconds: 10, leaseTransitions: 1, ...times };
      const { status, body } = await put(side, contended, { ...read, spec });
      // Compared as they are: moments are masked elsewhere.
      return { status, body: JSON.stringify((body as { spec: object }).spec, Object.keys(spec).sort()).split('T') };
    },
  },
  {
    name: 'a Lease of no duration',
    async send(side) {
      const read = await succeed(get(side, contended));
      return put(side, contended, { ...read, spec: { holderIdentity: 'one', leaseDurationSeconds: 0 } });
    },
  },
];

/** How each fares, the winner first; who wins is no promise. */
async function race(attempt: (holder: string) => Promise<KubeResponse>): Promise<KubeResponse> {
  const answers = await Promise.all(['one', 'two'].map(attempt));
  const [winner, loser] = answers.sort((left, right) => left.status - right.status);
  return { status: winner?.status ?? 0, body: loser };
}

async function lateTaker(side: Side): Promise<KubeResponse> {
  const read = (await succeed(get(side, contended))) as KubeObject;
  await succeed(put(side, contended, { ...read, spec: { holderIdentity: 'one', leaseTransitions: 1 } }));
  return put(side, contended, { ...read, spec: { holderIdentity: 'two', leaseTransitions: 1 } });
}
