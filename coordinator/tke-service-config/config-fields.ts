import { isRecord } from '../manifests/annotation-reader.ts';

/** Everything that is wrong in a configuration; the path of the field first. */
export type Complaints = string[];

interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * Reads the fields of one JSON object. One that is left out, or is wrong and complained of, is undefined. `end` complains
 * of fields that nobody asked for.
 */
export class ConfigFields {
  readonly #path: string;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #complaints: Complaints;
  readonly #asked = new Set<string>();

  constructor(value: unknown, path: string, complaints: Complaints) {
    this.#path = path;
    this.#complaints = complaints;
    this.#fields = isRecord(value) ? value : {};
    if (value !== undefined && !isRecord(value)) complaints.push(`${path} has to be an object`);
  }

  whole(name: string, { min, max }: Range): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    return this.complain(name, `a whole number from ${min} to ${max}`);
  }

  truth(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.complain(name, 'true or false');
  }

  text(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'string') return value;
    return this.complain(name, 'a string');
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.#take(name);
    const found = allowed.find(each => each === value);
    if (value === undefined || found !== undefined) return found;
    return this.complain(name, allowed.join(', '));
  }

  object(name: string): ConfigFields | undefined {
    const value = this.#take(name);
    return value === undefined ? undefined : new ConfigFields(value, this.#at(name), this.#complaints);
  }

  /** At most so many are read. */
  list(name: string, countMax: number): readonly ConfigFields[] {
    const value = this.#take(name) ?? [];
    if (!Array.isArray(value) || value.length > countMax) {
      this.complain(name, `a list of at most ${countMax}`);
      return [];
    }
    return value.map((each, index) => new ConfigFields(each, `${this.#at(name)}[${index}]`, this.#complaints));
  }

  complain(name: string, allowed: string): undefined {
    const value = JSON.stringify(this.#fields[name])?.slice(0, SHOWN_MAX);
    this.#complaints.push(`${this.#at(name)} is ${value ?? 'left out'}, but has to be ${allowed}`);
  }

  /** Call when everything that is known was asked for. */
  end(): void {
    const unknown = Object.keys(this.#fields).filter(name => !this.#asked.has(name));
    for (const name of unknown.slice(0, UNKNOWN_MAX)) this.#complaints.push(`${this.#at(name)} is not known`);
  }

  #take(name: string): unknown {
    this.#asked.add(name);
    return this.#fields[name] ?? undefined;
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

/** Characters of a wrong value that are repeated. */
const SHOWN_MAX = 60;
const UNKNOWN_MAX = 5;
