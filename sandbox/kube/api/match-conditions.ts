import { evaluate, parse } from '@marcbachmann/cel-js';
import { type ApiObject, type JsonObject, objectsOf, stringOf } from './json.ts';

/** A condition cannot be read as CEL. */
export class ConditionError extends Error {
  override readonly name = 'ConditionError';
}

/** @throws ConditionError naming the condition and what is wrong with it. */
export function checkConditions(webhook: JsonObject): void {
  for (const { name, expression } of objectsOf(webhook.matchConditions)) {
    try {
      parse(stringOf(expression));
    } catch (cause) {
      throw new ConditionError(`${stringOf(name)}: ${firstLine(cause)}`, { cause });
    }
  }
}

/** Whether every condition of the webhook holds for an object that is being created. @throws Error when one has no answer. */
export function holdConditions(webhook: JsonObject, object: ApiObject): boolean {
  return objectsOf(webhook.matchConditions).every(
    ({ expression }) => evaluate(stringOf(expression), { object }) === true,
  );
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? '';
}
