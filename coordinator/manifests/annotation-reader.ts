import { type Problem, problem } from '../loadbalancers/problem.ts';

/** The object that carries the annotations. */
export interface AnnotatedObject {
  readonly kind: 'Service' | 'Ingress';
  readonly namespace: string;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Longer values are cut short in what people read. */
const SHOWN_MAX = 100;
const NOT_SET = 'It counts as not set until it is corrected; everything else is served.';

/** Reads the annotations of one object, and gathers what is wrong with them. A value that makes no sense counts as none. */
export class AnnotationReader {
  readonly problems: Problem[] = [];
  readonly #object: AnnotatedObject;

  constructor(object: AnnotatedObject) {
    this.#object = object;
  }

  /** `Service default/web` */
  get label(): string {
    const { kind, namespace, name } = this.#object;
    return `${kind} ${namespace}/${name}`;
  }

  text(key: string): string | undefined {
    return this.#object.annotations[key];
  }

  /** Of several spellings of the same the first one that is there. */
  first(keys: readonly string[]): string | undefined {
    return keys.find(key => this.text(key) !== undefined);
  }

  flag(key: string): boolean | undefined {
    const value = this.choice(key, ['true', 'false']);
    return value === undefined ? undefined : value === 'true';
  }

  choice(key: string, allowed: readonly string[]): string | undefined {
    const value = this.text(key);
    if (value === undefined || allowed.includes(value)) return value;
    return this.malformed(key, `only ${allowed.map(each => `"${each}"`).join(' and ')} are known`);
  }

  integer(key: string, min: number, max: number): number | undefined {
    const value = this.text(key);
    if (value === undefined) return undefined;
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= min && number <= max) return number;
    return this.malformed(key, `it takes a whole number from ${min} to ${max}`);
  }

  /** Parts between commas, without spaces, each once. */
  list(key: string, allowed: { readonly pattern: RegExp; readonly max: number; readonly what: string }) {
    const value = this.text(key);
    if (value === undefined) return undefined;
    const parts = [...new Set(value.split(',').map(part => part.trim()))];
    if (parts.length <= allowed.max && parts.every(part => allowed.pattern.test(part))) return parts;
    return this.malformed(key, `it takes ${allowed.what}`);
  }

  /** A JSON object. `form` says what it looks like. */
  jsonObject(key: string, form: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.text(key);
    if (value === undefined) return undefined;
    const parsed = parsedJson(value);
    return isRecord(parsed) ? parsed : this.malformed(key, `it takes JSON such as ${form}`);
  }

  /** A JSON array; `null` is an empty one. `form` says what it looks like. */
  jsonList(key: string, form: string): readonly unknown[] | undefined {
    const value = this.text(key);
    if (value === undefined) return undefined;
    const parsed = parsedJson(value);
    if (parsed === null) return [];
    return Array.isArray(parsed) ? parsed : this.malformed(key, `it takes JSON such as ${form}`);
  }

  /** Tells that a value makes no sense; `allowed` says what does, for example `it takes a number`. */
  malformed(key: string, allowed: string): undefined {
    this.problems.push(this.complaint(key, allowed, NOT_SET));
  }

  /** @param meanwhile what is done until it is corrected */
  complaint(key: string, allowed: string, meanwhile: string): Problem {
    const value = this.text(key) ?? '';
    const shown = value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}…` : value;
    return problem('CD1001', `${this.label}: annotation ${key} is "${shown}", but ${allowed}. ${meanwhile}`);
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined for what is no JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
