import { beforeEach, describe, expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { GateState } from '../../common/pod-record.ts';
import { podView } from '../core/pod.fixture.ts';
import { NO_ENTRIES } from '../kube/load-balancer-record.ts';
import { problem } from '../loadbalancers/problem.ts';
import { serviceRecord } from '../service.fixture.ts';
import { ObservingPorts } from './observing-ports.ts';
import { RehearsedRecords } from './rehearsed-records.ts';

const WAITS = { open: false, reason: 'WaitingForHealthCheck', message: 'no' } as const;
const SERVES = { open: true, reason: 'LoadBalancerReady', message: 'yes' } as const;
const SERVICE = serviceRecord();

let log: CollectingLogger;
let asked: string[];
let rehearsed: string[];
let ports: ObservingPorts;

beforeEach(() => {
  log = new CollectingLogger();
  [asked, rehearsed] = [[], []];
  ports = new ObservingPorts({
    asking: {
      probe: async () => 'unanswered',
      confirm: () => asked.push('confirm'),
      prove: () => asked.push('prove'),
      findInstance: () => asked.push('findInstance'),
      readSecret: () => asked.push('readSecret'),
      listServices: () => asked.push('listServices'),
    },
    log,
    records: new RehearsedRecords(),
    onRehearsed: ({ name }) => rehearsed.push(name),
  });
});

const lines = () => log.records.map(({ message }) => message);

describe('the hands of a coordinator that observes', () => {
  test('tell of a gate what would be written, each time that it is something else', () => {
    const pod = podView({ gate: GateState.CLOSED });
    ports.writeGate(pod, WAITS);
    ports.writeGate(pod, SERVES);
    ports.writeGate(pod, SERVES);
    ports.dropGate(pod.record.uid);
    ports.writeGate(pod, SERVES);
    expect(lines()).toEqual(['would write a readiness gate', 'would write a readiness gate']);
    expect(log.records[0]?.fields).toMatchObject({ pod: 'default/pod-1', open: true, reason: 'LoadBalancerReady' });
  });

  test('tell of claims once, and have the object taken as if it were written', () => {
    const claim = { add: { loadBalancers: ['lb-1'], adoptedListeners: [] }, drop: NO_ENTRIES };
    ports.claimService(SERVICE, claim);
    ports.claimService(SERVICE, claim);
    expect(rehearsed).toEqual(['web']);
    ports.releaseService(SERVICE);
    expect(lines()).toEqual([
      'would put finalizer and record on an object',
      'would take everything of ours off an object',
    ]);
  });

  test('tell of problems in place of Events', () => {
    ports.reportProblem(SERVICE, problem('CD1004', 'lb-1 is not there'));
    ports.reportOwner(podView().record, () => problem('CD3010', 'no gate'));
    expect(log.records.map(({ fields }) => [fields.object, fields.code])).toEqual([
      ['Service default/web', 'CD1004'],
      ['owner of Pod default/pod-1', 'CD3010'],
    ]);
  });

  test('ask as a leader does', async () => {
    ports.confirm(podView());
    ports.listServices('default');
    ports.readSecret({ namespace: 'default', name: 'tls' });
    ports.findInstance('node1');
    expect(asked).toEqual(['confirm', 'listServices', 'readSecret', 'findInstance']);
  });
});
