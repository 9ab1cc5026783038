import type { BatchOutcome, Cloud, CloudResult, NewBinding } from '../cloud/types.ts';
import type { TargetWrite } from '../core/lane-plan.ts';
import type { TargetOperation } from '../core/target-operation.ts';

/** Sends one write. It is not abortable: once begun, its outcome has to be known. */
export async function sendWrite(
  cloud: Cloud,
  loadBalancerId: string,
  write: TargetWrite,
): Promise<CloudResult<BatchOutcome>> {
  const { signal } = new AbortController();
  const { operations } = write;
  switch (write.kind) {
    case 'weights': {
      const priority = write.urgent ? 'urgent' : 'normal';
      return asWhole(await cloud.modifyWeights(loadBalancerId, operations.map(weightChange), signal, priority));
    }
    case 'tags':
      return asWhole(await cloud.modifyTags(loadBalancerId, operations.map(tagChange), signal));
    case 'register':
      return cloud.registerTargets(loadBalancerId, operations.map(newBinding), signal);
    case 'deregister':
      return cloud.deregisterTargets(
        loadBalancerId,
        operations.map(operation => operation.place),
        signal,
      );
  }
}

/** These calls succeed for all listeners or for none. */
function asWhole(result: CloudResult<void>): CloudResult<BatchOutcome> {
  return result.ok ? { ok: true, value: { failedListenerIds: [], message: '' } } : result;
}

function weightChange(operation: TargetOperation) {
  return { ...operation.place, weight: operation.kind === 'open' ? operation.weight : 0 };
}

function tagChange(operation: TargetOperation) {
  if (operation.kind !== 'adopt') throw new Error(`a ${operation.kind} is no change of a tag`);
  return { ...operation.place, tag: operation.tag };
}

function newBinding(operation: TargetOperation): NewBinding {
  if (operation.kind !== 'register') throw new Error(`a ${operation.kind} is not a registration`);
  return { ...operation.place, weight: operation.weight, tag: operation.tag };
}
