import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { Service } from '../../common/kube/objects.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import type { KubeRequest, KubeResponse } from '../../common/kube/transport.ts';
import {
  ADOPTED_LISTENERS_ANNOTATION,
  FINALIZER,
  LOAD_BALANCER_ID_ANNOTATION,
  LOAD_BALANCERS_ANNOTATION,
} from '../../common/names.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { NO_ENTRIES, type RecordEntries } from './load-balancer-record.ts';
import { serviceRecord } from './service-reflector.ts';
import { type ServiceWish, ServiceWriter } from './service-status.ts';

const STATUS: ServiceWish = {
  type: 'status',
  status: { loadBalancerId: 'lb-1', addresses: ['1.2.3.4'], hostname: '' },
};

const CLAIMED: ServiceWish = { type: 'claimed', add: NO_ENTRIES, drop: NO_ENTRIES };

let clock: VirtualClock;
/** The Service as the API server has it. */
let stored: Service | undefined;
let transport: ScriptedTransport;
let errors: unknown[];
/** UIDs of those that were told to have our finalizer since we put it on. */
let finalized: string[];
let writer: ServiceWriter;
let abort: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  stored = {
    metadata: { name: 'web', namespace: 'shop', uid: 'u1', resourceVersion: '1', finalizers: ['other/finalizer'] },
    spec: { type: 'LoadBalancer' },
  };
  transport = new ScriptedTransport(answer);
  errors = [];
  finalized = [];
  writer = new ServiceWriter({
    names: DEFAULT_INSTANCE,
    transport,
    clock,
    random: seededRandom(1),
    onFinalized: ({ uid }) => finalized.push(uid),
    onError: (_service, error) => errors.push(error),
  });
  abort = new AbortController();
  running = writer.run(abort.signal);
});

afterEach(async () => {
  abort.abort(new Error('test over'));
  await clock.advance(0);
  await running;
});

describe('the finalizer', () => {
  it('is added to those of others', async () => {
    await write(CLAIMED);
    expect(stored?.metadata.finalizers).toEqual(['other/finalizer', FINALIZER]);
  });

  it('is added to what is stored when our record is old, and nothing of others is lost', async () => {
    const old = record();
    if (stored) stored.metadata = { ...stored.metadata, finalizers: ['new/finalizer'], resourceVersion: '2' };
    writer.write(old, CLAIMED);
    await clock.advance(0);
    expect(stored?.metadata.finalizers).toEqual(['new/finalizer', FINALIZER]);
    expect(errors).toEqual([]);
  });

  it('is not added to another Service that has taken the name', async () => {
    const old = record();
    if (stored) stored.metadata = { ...stored.metadata, uid: 'u2', resourceVersion: '7' };
    writer.write(old, CLAIMED);
    await clock.advance(0);
    expect(stored?.metadata.finalizers).toEqual(['other/finalizer']);
    expect(errors).toEqual([]);
  });

  it('is not added to a Service that is being deleted', async () => {
    if (stored) stored.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    await write(CLAIMED);
    expect(transport.requests).toEqual([]);
  });
});

describe('that nobody has made anything for it yet', () => {
  it('is told when our finalizer is on a version that lacked it', async () => {
    await write(CLAIMED);
    expect(finalized).toEqual(['u1']);
  });

  it('is not told when another leader has put it on since our record was made', async () => {
    const old = record();
    if (stored) stored.metadata = { ...stored.metadata, finalizers: [FINALIZER], resourceVersion: '2' };
    writer.write(old, CLAIMED);
    writer.write(old, STATUS);
    await clock.advance(0);
    expect(stored?.metadata.finalizers).toEqual([FINALIZER]);
    expect(finalized).toEqual([]);
  });
});

describe('the record', () => {
  const claimed = (add: Partial<RecordEntries>, drop: Partial<RecordEntries> = {}): ServiceWish => ({
    type: 'claimed',
    add: { ...NO_ENTRIES, ...add },
    drop: { ...NO_ENTRIES, ...drop },
  });

  it('is written in one patch with the finalizer, so that it never stands alone', async () => {
    await write(claimed({ loadBalancers: ['lb-1'] }));
    expect(transport.requests).toHaveLength(1);
    expect(stored?.metadata.finalizers).toContain(FINALIZER);
    expect(stored?.metadata.annotations).toEqual({ [LOAD_BALANCERS_ANNOTATION]: 'lb-1' });
  });

  it('keeps what another leader has written meanwhile', async () => {
    const old = record();
    if (stored) {
      stored.metadata.annotations = { [LOAD_BALANCERS_ANNOTATION]: 'lb-7' };
      stored.metadata.resourceVersion = '2';
    }
    writer.write(old, claimed({ loadBalancers: ['lb-1'] }));
    await clock.advance(0);
    expect(stored?.metadata.annotations).toEqual({ [LOAD_BALANCERS_ANNOTATION]: 'lb-7,lb-1' });
  });

  it('loses only what nothing is left on, and goes with its last entry', async () => {
    await write(claimed({ loadBalancers: ['lb-1', 'lb-2'] }));
    await write(claimed({}, { loadBalancers: ['lb-1'] }));
    expect(stored?.metadata.annotations).toEqual({ [LOAD_BALANCERS_ANNOTATION]: 'lb-2' });
    await write(claimed({}, { loadBalancers: ['lb-2'] }));
    expect(stored?.metadata.annotations).toEqual({});
  });

  it('names adopted listeners', async () => {
    await write(claimed({ adoptedListeners: [{ loadBalancerId: 'lb-1', listenerId: 'lbl-x' }] }));
    expect(stored?.metadata.annotations).toEqual({ [ADOPTED_LISTENERS_ANNOTATION]: 'lb-1/lbl-x' });
  });

  it('is not added to on a Service that is being deleted, and still loses entries', async () => {
    if (stored) {
      stored.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
      stored.metadata.annotations = { [LOAD_BALANCERS_ANNOTATION]: 'lb-1' };
    }
    await write(claimed({ loadBalancers: ['lb-2'] }, { loadBalancers: ['lb-1'] }));
    expect(stored?.metadata.annotations).toEqual({});
  });
});

describe('the status', () => {
  it('is the address, and the load balancer id stands in the annotation', async () => {
    await write(STATUS);
    expect(stored?.status?.loadBalancer?.ingress).toEqual([{ ip: '1.2.3.4' }]);
    expect(stored?.metadata.annotations).toEqual({ [LOAD_BALANCER_ID_ANNOTATION]: 'lb-1' });
    expect(transport.requests.map(request => request.path)).toEqual([
      '/api/v1/namespaces/shop/services/web',
      '/api/v1/namespaces/shop/services/web/status',
    ]);
  });

  it('is the hostname when there is no address', async () => {
    await write({ type: 'status', status: { loadBalancerId: 'lb-1', addresses: [], hostname: 'lb-1.example' } });
    expect(stored?.status?.loadBalancer?.ingress).toEqual([{ hostname: 'lb-1.example' }]);
  });

  it('is all addresses of a dual-stack load balancer, and follows when one changes', async () => {
    const status = { loadBalancerId: 'lb-1', addresses: ['1.2.3.4', '2001:db8::1'], hostname: 'lb-1.example' };
    await write({ type: 'status', status });
    expect(stored?.status?.loadBalancer?.ingress).toEqual([{ ip: '1.2.3.4' }, { ip: '2001:db8::1' }]);
    await write({ type: 'status', status: { ...status, addresses: ['1.2.3.5', '2001:db8::1'] } });
    expect(stored?.status?.loadBalancer?.ingress).toEqual([{ ip: '1.2.3.5' }, { ip: '2001:db8::1' }]);
  });

  it('is left as it is while the load balancer has neither address nor hostname', async () => {
    await write({ type: 'status', status: { loadBalancerId: 'lb-1', addresses: [], hostname: '' } });
    expect(transport.requests.map(request => request.path)).toEqual(['/api/v1/namespaces/shop/services/web']);
  });

  it('is not written when it stands there already, with what the API server added', async () => {
    if (stored) {
      stored.metadata.annotations = { [LOAD_BALANCER_ID_ANNOTATION]: 'lb-1' };
      stored.status = { loadBalancer: { ingress: [{ ip: '1.2.3.4', ipMode: 'VIP' } as { ip: string }] } };
    }
    await write(STATUS);
    expect(transport.requests).toEqual([]);
  });

  it('is written once while our reflector has not seen it, and again when somebody else changed it', async () => {
    const old = record();
    for (let turn = 0; turn < 20; turn++) {
      writer.write(old, STATUS);
      await clock.advance(100);
    }
    expect(transport.requests).toHaveLength(2);
    if (stored) stored.status = {};
    await clock.advance(5_000);
    await write(STATUS);
    expect(stored?.status?.loadBalancer?.ingress).toEqual([{ ip: '1.2.3.4' }]);
  });

  it('does not replace the wish for a finalizer', async () => {
    writer.write(record(), CLAIMED);
    writer.write(record(), STATUS);
    await clock.advance(1_000);
    expect(stored?.metadata.finalizers).toContain(FINALIZER);
    expect(stored?.status?.loadBalancer?.ingress).toEqual([{ ip: '1.2.3.4' }]);
  });
});

describe('a release', () => {
  beforeEach(() => {
    if (!stored) return;
    stored.metadata.finalizers = ['other/finalizer', FINALIZER];
    stored.metadata.annotations = {
      [LOAD_BALANCER_ID_ANNOTATION]: 'lb-1',
      [LOAD_BALANCERS_ANNOTATION]: 'lb-1',
      [ADOPTED_LISTENERS_ANNOTATION]: 'lb-1/lbl-x',
      team: 'x',
    };
    stored.status = { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } };
  });

  it('takes off what is ours, the finalizer last', async () => {
    await write({ type: 'released' });
    expect(stored?.metadata.finalizers).toEqual(['other/finalizer']);
    expect(stored?.metadata.annotations).toEqual({ team: 'x' });
    expect(stored?.status?.loadBalancer?.ingress).toEqual([]);
    expect(transport.requests.at(-1)?.body).toMatchObject({ metadata: { finalizers: ['other/finalizer'] } });
  });

  it('takes only the finalizer off a Service that is being deleted', async () => {
    if (stored) stored.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    await write({ type: 'released' });
    expect(transport.requests).toHaveLength(1);
    expect(stored?.metadata.finalizers).toEqual(['other/finalizer']);
  });

  it('that has not begun is dropped when the Service is claimed again', async () => {
    writer.write(record(), { type: 'released' });
    writer.write(record(), CLAIMED);
    await clock.advance(1_000);
    expect(transport.requests).toEqual([]);
    expect(stored?.metadata.finalizers).toContain(FINALIZER);
  });

  it('is content when the Service is gone', async () => {
    const old = record();
    stored = undefined;
    writer.write(old, { type: 'released' });
    await clock.advance(60_000);
    expect(errors).toEqual([]);
    expect(transport.requests).toHaveLength(1);
  });
});

describe('failures', () => {
  it('are reported and tried again', async () => {
    transport.answer = request => (transport.requests.length < 3 ? { status: 503, body: {} } : answer(request));
    await write(STATUS);
    await clock.advance(5_000);
    expect(errors).toHaveLength(2);
    expect(stored?.status?.loadBalancer?.ingress).toEqual([{ ip: '1.2.3.4' }]);
  });

  it('that no retry heals are reported once', async () => {
    transport.answer = () => ({ status: 422, body: { message: 'invalid ip' } });
    await write(STATUS);
    await clock.advance(4_000);
    await write(STATUS);
    expect(errors.map(String)).toEqual([expect.stringContaining('422 invalid ip')]);
  });
});

async function write(wish: ServiceWish): Promise<void> {
  writer.write(record(), wish);
  await clock.advance(0);
}

function record() {
  if (!stored) throw new Error('there is no Service');
  return serviceRecord(structuredClone(stored), DEFAULT_INSTANCE);
}

/** GET and merge patches with preconditions, as the API server does them. */
function answer(request: KubeRequest): KubeResponse {
  if (!stored) return { status: 404, body: { reason: 'NotFound' } };
  if (request.method === 'GET') return { status: 200, body: structuredClone(stored) };
  const patch = request.body as { metadata?: Record<string, unknown>; status?: Service['status'] };
  const { uid, resourceVersion, annotations, finalizers } = patch.metadata ?? {};
  if (uid !== undefined && uid !== stored.metadata.uid) {
    return { status: 409, body: { message: 'Precondition failed: UID in precondition' } };
  }
  if (resourceVersion !== undefined && resourceVersion !== stored.metadata.resourceVersion) {
    return { status: 409, body: { message: 'the object has been modified' } };
  }
  const merged: Record<string, string | null> = { ...stored.metadata.annotations, ...(annotations as object) };
  for (const [key, value] of Object.entries(merged)) if (value === null) delete merged[key];
  const isStatus = request.path.endsWith('/status');
  stored = {
    ...stored,
    metadata: {
      ...stored.metadata,
      ...(!isStatus && { annotations: merged as Record<string, string> }),
      ...(!isStatus && finalizers !== undefined && { finalizers: finalizers as string[] }),
      resourceVersion: `${Number(stored.metadata.resourceVersion) + 1}`,
    },
    ...(isStatus && patch.status && { status: patch.status }),
  };
  return { status: 200, body: structuredClone(stored) };
}
