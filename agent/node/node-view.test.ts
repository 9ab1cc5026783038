import { describe, expect, test } from 'vitest';
import type { Node } from '../../common/kube/objects.ts';
import { NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';
import { projectNode } from './node-view.ts';

type Spec = NonNullable<Node['spec']>;
type Status = NonNullable<Node['status']>;

const view = (spec: Spec, status: Status = {}) => projectNode({ metadata: { name: 'node1' }, spec, status });
const NO_SCHEDULE = 'NoSchedule';

describe('a node announces its end', () => {
  test.each<[string, Spec, NodeSignKind, string]>([
    ['when it is cordoned', { unschedulable: true }, NodeSignKind.CORDONED, 'spec.unschedulable'],
    [
      'when the autoscaler deletes it',
      { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', value: '1767225600', effect: NO_SCHEDULE }] },
      NodeSignKind.TO_BE_DELETED,
      'taint ToBeDeletedByClusterAutoscaler=1767225600:NoSchedule',
    ],
    [
      'when the autoscaler thinks of deleting it',
      { taints: [{ key: 'DeletionCandidateOfClusterAutoscaler', value: '1', effect: 'PreferNoSchedule' }] },
      NodeSignKind.DELETION_CANDIDATE,
      'taint DeletionCandidateOfClusterAutoscaler=1:PreferNoSchedule',
    ],
    [
      'when an operator says that it is off',
      { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] },
      NodeSignKind.OUT_OF_SERVICE,
      'taint node.kubernetes.io/out-of-service:NoExecute',
    ],
  ])('%s', (_, spec, kind, detail) => {
    expect(view(spec).signs).toEqual([{ kind, detail }]);
  });

  test.each<[string, 'True' | 'False' | 'Unknown', string | undefined]>([
    ['False', 'False', 'condition Ready is False KubeletNotReady'],
    ['Unknown', 'Unknown', 'condition Ready is Unknown KubeletNotReady'],
    ['True', 'True', undefined],
  ])('or not, when its condition Ready is %s', (_, status, detail) => {
    const { signs } = view({}, { conditions: [{ type: 'Ready', status, reason: 'KubeletNotReady' }] });
    expect(signs).toEqual(detail ? [{ kind: NodeSignKind.NOT_READY, detail }] : []);
  });

  test('in several ways at once', () => {
    const taints = [
      { key: 'node.kubernetes.io/unschedulable', effect: NO_SCHEDULE },
      { key: 'ToBeDeletedByClusterAutoscaler', effect: NO_SCHEDULE },
    ];
    const kinds = view({ unschedulable: true, taints }).signs.map(({ kind }) => kind);
    expect(kinds).toEqual([NodeSignKind.CORDONED, NodeSignKind.TO_BE_DELETED]);
  });

  test('but not when it is new or has taints of its users', () => {
    expect(projectNode({ metadata: { name: 'node1' } }).signs).toEqual([]);
    expect(view({ taints: [{ key: 'dedicated', value: 'gpu', effect: NO_SCHEDULE }] }).signs).toEqual([]);
  });
});

describe('where Pods get their addresses', () => {
  test('is told by the resources that the node offers, also with none left', () => {
    const { network } = view({ podCIDR: '172.16.0.0/26' }, { allocatable: { 'tke.cloud.tencent.com/eni-ip': '0' } });
    expect(network).toEqual({ eniResource: 'tke.cloud.tencent.com/eni-ip', podCidrs: ['172.16.0.0/26'] });
  });

  test('counts both families of the node', () => {
    const podCIDRs = ['172.16.0.0/26', 'fd00:16::/64'];
    expect(view({ podCIDR: '172.16.0.0/26', podCIDRs }).network).toEqual({
      eniResource: undefined,
      podCidrs: podCIDRs,
    });
  });
});
