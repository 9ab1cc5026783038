import { ClbError } from './clb-error.ts';
import { countOf, ms, quantity } from './control-quantities.ts';
import type { Fault } from './faults.ts';
import { HISTORY_MAX_MS } from './history.ts';
import { integer, list, object, oneOf, type Parse, text } from './parameters.ts';

const common = { count: countOf(1), probability: quantity(1) };
const names = { action: text({ minLength: 1 }), kind: text() };
const coded = object({
  required: { ...names, kind: oneOf('error', 'late-error'), code: text({ minLength: 1 }) },
  optional: { ...common, message: text() },
});
const delayed = object({
  required: { ...names, kind: oneOf('delay', 'delay-reply'), delayMs: ms },
  optional: common,
});
const bare = object({
  required: { ...names, kind: oneOf('lose-reply', 'do-nothing', 'fail-task', 'drip-reply', 'break-reply') },
  optional: common,
});

/** What a fault of each kind is told by. */
const SHAPES: Readonly<Record<Fault['kind'], Parse<Fault>>> = {
  error: coded,
  'late-error': coded,
  delay: delayed,
  'delay-reply': delayed,
  'lose-reply': bare,
  'do-nothing': bare,
  'fail-task': bare,
  'drip-reply': bare,
  'break-reply': bare,
  'fail-listeners': object({
    required: { ...names, kind: oneOf('fail-listeners') },
    optional: { ...common, share: quantity(1), listenerIds: list(text(), 1, 100) },
  }),
  'drop-targets': object({
    required: { ...names, kind: oneOf('drop-targets') },
    optional: { ...common, share: quantity(1) },
  }),
  'stale-read': object({
    required: { ...names, kind: oneOf('stale-read'), staleMs: integer(0, HISTORY_MAX_MS) },
    optional: common,
  }),
  'html-reply': object({
    required: { ...names, kind: oneOf('html-reply'), status: integer(200, 599) },
    optional: common,
  }),
  'spend-rate': object({
    required: { ...names, kind: oneOf('spend-rate'), perSecond: countOf(0) },
    optional: {},
  }),
};

const kindOf = object({ required: { kind: oneOf(...(Object.keys(SHAPES) as Fault['kind'][])) }, optional: {} });

/** @throws ClbError when the fault is not one. */
export function parseFault(body: unknown): Fault {
  const given = typeof body === 'object' && body !== null && 'kind' in body ? body.kind : undefined;
  const { kind } = kindOf({ kind: given }, '');
  try {
    return SHAPES[kind](body, '');
  } catch (error) {
    if (!(error instanceof ClbError)) throw error;
    throw new ClbError(error.code, `a fault of kind ${kind}: ${error.message}`);
  }
}
