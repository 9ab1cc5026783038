import { expect, test } from 'vitest';
import type { Container, Pod } from '../../../common/kube/objects.ts';
import { ContainerConfigurationError, containerEnvironment, expand } from './container-environment.ts';

const POD: Pod = {
  metadata: { name: 'a', namespace: 'shop', uid: 'u1', annotations: { 'example.com/key': 'value' } },
  spec: { nodeName: 'node1', containers: [] },
};
const PLACE = { pod: POD, podIp: '127.1.1.2', nodeAddress: '127.1.0.1' };

function environmentOf(env: NonNullable<Container['env']>) {
  return containerEnvironment({ name: 'web', image: 'web', env }, PLACE);
}

test('fields of the Pod and earlier variables become values', () => {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const variables = environmentOf([
    field('NAME', 'metadata.name'),
    field('IP', 'status.podIP'),
    field('NODE', 'spec.nodeName'),
    field('NODE_IP', 'status.hostIP'),
    field('KEY', "metadata.annotations['example.com/key']"),
    { name: 'URL', value: 'http://$(IP)/$(NAME)' },
  ]);
  expect(variables).toEqual({
    NAME: 'a',
    IP: '127.1.1.2',
    NODE: 'node1',
    NODE_IP: '127.1.0.1',
    KEY: 'value',
    URL: 'http://127.1.1.2/a',
  });
});

test('unknown names and doubled dollar signs stay as the real kubelet leaves them', () => {
  expect(expand('$(MISSING) $$(NAME) $(NAME)', { NAME: 'a' })).toBe('$(MISSING) $(NAME) a');
});

test('a source that is not supported says so', () => {
  const secret = { name: 'KEY', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } };
  expect(() => environmentOf([secret as NonNullable<Container['env']>[number]])).toThrow(ContainerConfigurationError);
});
