import type { Cloud, CloudResult, NewBinding } from '../cloud/types.ts';
import type { TargetWrite } from '../core/lane-plan.ts';
import type { TargetOperation } from '../core/target-operation.ts';

/** Sends one write. It is not abortable: once begun, its outcome has to be known. */
export async function sendWrite(
  cloud: Cloud,
  loadBalancerId: string,
  write: TargetWrite,
): Promise<CloudResult<unknown>> {
  const { signal } = new AbortController();
  switch (write.kind) {
    case 'weights':
      return cloud.modifyWeights(loadBalancerId, write.operations.map(weightChange), signal);
    case 'register':
      return cloud.registerTargets(loadBalancerId, write.operations.map(newBinding), signal);
    case 'tags':
      return cloud.modifyTags(loadBalancerId, write.operations.map(tagChange), signal);
    case 'deregister':
      return cloud.deregisterTargets(
        loadBalancerId,
        write.operations.map(operation => operation.place),
        signal,
      );
  }
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
