import { describe, expect, test } from 'vitest';
import { CUSTOM_WEIGHT_ANNOTATION, INGRESS_CUSTOM_WEIGHT_ANNOTATION } from '../common/names.ts';
import type { PodRecord } from '../common/pod-record.ts';
import { podRecord } from './core/pod.fixture.ts';
import type { StoredPod } from './core/report-store.ts';
import type { PodAnswer } from './kube/pod-confirmer.ts';
import { podProfile } from './kube/pod-profile.ts';
import { agreesWithReport, provesGone } from './pod-agreement.ts';

const MISSING: PodAnswer = { type: 'missing' };

function found(fields: Partial<Extract<PodAnswer, { type: 'found' }>> = {}): PodAnswer {
  const identity = { uid: 'pod-1', nodeName: 'n1', labels: { app: 'web' }, addresses: ['10.0.0.1', 'fd00::1'] };
  const annotations = { [CUSTOM_WEIGHT_ANNOTATION]: '20', 'example.com/other': 'x' };
  const profile = podProfile({ metadata: { name: 'web-1' }, spec: { containers: [] } });
  return { type: 'found', ...identity, annotations, phase: 'Running', isDeleting: false, profile, ...fields };
}

function reported(fields: Partial<PodRecord> = {}): StoredPod {
  const annotations = { [CUSTOM_WEIGHT_ANNOTATION]: '20', 'clb-direct.io/drain-seconds': '60' };
  const record = podRecord({ annotations, ...fields });
  return { record, node: 'n1', firstSeenAt: 0, deletionSeenAt: undefined, isToldByAgent: true };
}

describe('the API server agrees with an agent (L12)', () => {
  test('when UID, node, labels, weights and all reported addresses are the same', () => {
    expect(agreesWithReport(found(), reported())).toBe(true);
  });

  test.each<[string, PodAnswer]>([
    ['there is no such Pod', MISSING],
    ['it has another UID', found({ uid: 'pod-2' })],
    ['it runs on another node', found({ nodeName: 'n2' })],
    ['it has no such address', found({ addresses: ['10.0.0.9'] })],
    ['it is being deleted, and the agent has not heard of it', found({ isDeleting: true })],
    ['it has other labels', found({ labels: { app: 'api' } })],
    ['it has more labels', found({ labels: { app: 'web', tier: 'front' } })],
    ['its user wants another weight by now', found({ annotations: { [CUSTOM_WEIGHT_ANNOTATION]: '100' } })],
    ['its user wants no weight of its own any more', found({ annotations: {} })],
    [
      'its user wants a weight on Ingresses, too',
      found({ annotations: { [CUSTOM_WEIGHT_ANNOTATION]: '20', [INGRESS_CUSTOM_WEIGHT_ANNOTATION]: '0' } }),
    ],
  ])('not when %s', (_, answer) => {
    expect(agreesWithReport(answer, reported())).toBe(false);
  });

  test('not when only one of two reported addresses is its own', () => {
    expect(agreesWithReport(found(), reported({ addresses: ['10.0.0.1', '10.0.0.9'] }))).toBe(false);
  });
});

describe('a consistent GET proves that a Pod is gone (L1)', () => {
  test.each<[string, PodAnswer]>([
    ['when there is none of its name', MISSING],
    ['when its name has another UID', found({ uid: 'pod-2' })],
    ['when it has succeeded', found({ phase: 'Succeeded' })],
    ['when it has failed', found({ phase: 'Failed' })],
  ])('%s', (_, answer) => {
    expect(provesGone(answer, 'pod-1')).toBe(true);
  });

  test.each(['Pending', 'Running', 'Unknown'])('not in phase %s', phase => {
    expect(provesGone(found({ phase }), 'pod-1')).toBe(false);
  });
});
