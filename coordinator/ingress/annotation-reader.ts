import type { IngressRecord } from '../kube/ingress-reflector.ts';
import { ownerName } from '../loadbalancers/owner.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';

/** Reads the annotations of one Ingress and gathers what is wrong with them: what is wrong counts as not written. */
export class AnnotationReader {
  readonly problems: Problem[] = [];
  readonly #ingress: IngressRecord;

  constructor(ingress: IngressRecord) {
    this.#ingress = ingress;
  }

  text(name: string): string | undefined {
    return this.#ingress.annotations[name];
  }

  isOn(name: string): boolean {
    const value = this.text(name);
    if (value !== undefined && value !== 'true' && value !== 'false') this.invalid(name, '"true" or "false"');
    return value === 'true';
  }

  /** The JSON array that stands there, `null` for an empty one included; undefined when none does. */
  list(name: string, example: string): readonly unknown[] | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const parsed = parse(value);
    if (parsed === null) return [];
    if (Array.isArray(parsed)) return parsed;
    this.invalid(name, `a JSON array such as ${example}`);
    return undefined;
  }

  invalid(name: string, allowed: string): void {
    const value = (this.text(name) ?? '').slice(0, SHOWN_MAX);
    this.problems.push(
      problem(
        'CD1001',
        `${ownerName(this.#ingress)}: annotation ${name} is ${JSON.stringify(value)}, but has to be ${allowed}. It counts ` +
          'as not written until it is corrected; everything else of the Ingress is served.',
      ),
    );
  }
}

/** Characters of a wrong value that are repeated. */
const SHOWN_MAX = 200;

/** Undefined for what is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The fields of a JSON object; none of anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
