import { describe, expect, test } from 'vitest';
import type { JsonObject } from './json.ts';
import { POD } from './kinds.ts';
import { patchSchemaOf } from './patch-schema.ts';
import { applyStrategicMergePatch } from './strategic-merge-patch.ts';

const patchPod = (target: JsonObject, patch: JsonObject) => applyStrategicMergePatch(target, patch, patchSchemaOf(POD));

describe('a strategic merge patch', () => {
  test('merges containers by name and their ports by number', () => {
    const target = { spec: { containers: [{ name: 'a', image: 'one', ports: [{ containerPort: 80 }] }] } };
    const patch = {
      spec: { containers: [{ name: 'a', ports: [{ containerPort: 80, name: 'web' }, { containerPort: 81 }] }] },
    };
    expect(patchPod(target, patch)).toEqual({
      spec: {
        containers: [{ name: 'a', image: 'one', ports: [{ containerPort: 80, name: 'web' }, { containerPort: 81 }] }],
      },
    });
  });

  test('merges conditions by type and keeps those of others', () => {
    const target = { status: { conditions: [{ type: 'Ready', status: 'False' }] } };
    const patch = { status: { conditions: [{ type: 'gate', status: 'True' }] } };
    expect(patchPod(target, patch)).toEqual({
      status: {
        conditions: [
          { type: 'Ready', status: 'False' },
          { type: 'gate', status: 'True' },
        ],
      },
    });
  });

  test('replaces lists that have no merge key', () => {
    const target = { spec: { tolerations: [{ key: 'a' }] } };
    expect(patchPod(target, { spec: { tolerations: [{ key: 'b' }] } })).toEqual({
      spec: { tolerations: [{ key: 'b' }] },
    });
  });

  test('deletes an item with $patch: delete and a field with null', () => {
    const target = { spec: { containers: [{ name: 'a' }, { name: 'b' }], hostNetwork: true } };
    const patch = { spec: { containers: [{ name: 'a', $patch: 'delete' }], hostNetwork: null } };
    expect(patchPod(target, patch)).toEqual({ spec: { containers: [{ name: 'b' }] } });
  });

  test('replaces a whole list with $patch: replace', () => {
    const target = { spec: { containers: [{ name: 'a' }, { name: 'b' }] } };
    const patch = { spec: { containers: [{ $patch: 'replace' }, { name: 'c' }] } };
    expect(patchPod(target, patch)).toEqual({ spec: { containers: [{ name: 'c' }] } });
  });

  test('unites finalizers, and removes those that $deleteFromPrimitiveList names', () => {
    const target = { metadata: { finalizers: ['a', 'b'] } };
    expect(patchPod(target, { metadata: { finalizers: ['c', 'a'] } })).toEqual({
      metadata: { finalizers: ['a', 'b', 'c'] },
    });
    expect(patchPod(target, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } })).toEqual({
      metadata: { finalizers: ['b'] },
    });
  });

  test('orders a list as $setElementOrder says', () => {
    const target = { spec: { containers: [{ name: 'a' }, { name: 'b' }] } };
    const patch = {
      spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }], containers: [{ name: 'a', image: 'x' }] },
    };
    expect(patchPod(target, patch)).toEqual({ spec: { containers: [{ name: 'b' }, { name: 'a', image: 'x' }] } });
  });

  test('drops what $retainKeys does not name', () => {
    const target = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: {} } } };
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    expect(patchPod(target, patch)).toEqual({ spec: { strategy: { type: 'Recreate' } } });
  });

  test('refuses an item without its merge key', () => {
    expect(() => patchPod({}, { spec: { containers: [{ image: 'x' }] } })).toThrow(
      'does not contain declared merge key: name',
    );
  });

  test('leaves the target as it was', () => {
    const target = { spec: { containers: [{ name: 'a', image: 'one' }] } };
    patchPod(target, { spec: { containers: [{ name: 'a', image: 'two' }] } });
    expect(target.spec.containers[0]?.image).toBe('one');
  });
});
