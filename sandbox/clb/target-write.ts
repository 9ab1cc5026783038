import type { ActionContext, Plan } from './plan.ts';
import type { LoadBalancer, TargetChange } from './state.ts';

/** A write of targets, as it was sent. How long it takes is told by that, not by what comes of it. */
export interface TargetWrite {
  readonly loadBalancer: LoadBalancer;
  readonly size: number;
  readonly answersWhen: 'accepted' | 'done';
  readonly answer?: Record<string, unknown>;
  /** @throws ClbError when it fails after all. */
  apply(): readonly TargetChange[];
}

export function batchPlan(context: ActionContext, write: TargetWrite): Plan {
  const { batchBaseMs, batchPerTargetMs } = context.settings.latency;
  return planned(write, batchBaseMs + write.size * batchPerTargetMs);
}

/** For the older calls for one listener or rule: always a task. */
export function singlePlan(context: ActionContext, write: Omit<TargetWrite, 'answersWhen'>): Plan {
  const { batchBaseMs, batchPerTargetMs, singleBaseMs, singlePerTargetMs } = context.settings.latency;
  const afterMs = (singleBaseMs ?? batchBaseMs) + write.size * (singlePerTargetMs ?? batchPerTargetMs);
  return planned({ ...write, answersWhen: 'accepted' }, afterMs);
}

function planned({ loadBalancer, size, answersWhen, answer, apply }: TargetWrite, afterMs: number): Plan {
  const steps = [{ afterMs, apply }];
  return { kind: 'write', locks: [loadBalancer], size, answersWhen, answer: answer ?? {}, steps };
}
