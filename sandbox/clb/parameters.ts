import { isIPv6 } from 'node:net';
import { ClbError } from './clb-error.ts';

/**
 * Checks one value of a request as strictly as the cloud's gateway does and returns it typed.
 * @throws ClbError UnknownParameter, MissingParameter, InvalidParameter or InvalidParameterValue; it names the path.
 */
export type Parse<T> = (value: unknown, path: string) => T;

type Fields = Readonly<Record<string, Parse<unknown>>>;
type Parsed<R extends Fields, O extends Fields> = { readonly [K in keyof R]: ReturnType<R[K]> } & {
  readonly [K in keyof O]?: ReturnType<O[K]>;
};

export interface ObjectShape<R extends Fields, O extends Fields> {
  readonly required: R;
  readonly optional: O;
  /** Parameters that the real API knows and this stand-in does not model: refused, never silently ignored. */
  readonly unmodelled?: readonly string[];
}

export function text(limits: { readonly minLength?: number; readonly maxLength?: number } = {}): Parse<string> {
  return (value, path) => {
    if (typeof value !== 'string') throw wrongType(path, 'a string');
    if (value.length < (limits.minLength ?? 0) || value.length > (limits.maxLength ?? Number.POSITIVE_INFINITY)) {
      throw wrongLength(path, limits.minLength ?? 0, limits.maxLength);
    }
    return value;
  };
}

export function oneOf<const T extends string>(...allowed: readonly T[]): Parse<T> {
  return (value, path) => {
    if (typeof value !== 'string') throw wrongType(path, 'a string');
    const found = allowed.find(candidate => candidate === value);
    if (found === undefined) {
      throw new ClbError('InvalidParameterValue', `The value of \`${path}\` must be one of ${allowed.join(', ')}.`);
    }
    return found;
  };
}

export function integer(low: number, high: number, code = 'InvalidParameterValue'): Parse<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(path, 'an integer');
    if (value < low || value > high) {
      throw new ClbError(code, `The value of \`${path}\` must be from ${low} to ${high}, got ${value}.`);
    }
    return value;
  };
}

export const flag: Parse<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw wrongType(path, 'a boolean');
  return value;
};

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

export const ipAddress: Parse<string> = (value, path) => {
  if (typeof value !== 'string') throw wrongType(path, 'a string');
  if (IPV4.test(value) || isIPv6(value)) return value;
  throw new ClbError('InvalidParameter.FormatError', `The value of \`${path}\` is not an IP address: ${value}.`);
};

export function list<T>(item: Parse<T>, lengthMin: number, lengthMax: number): Parse<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrongType(path, 'a list');
    if (value.length < lengthMin || value.length > lengthMax) throw wrongLength(path, lengthMin, lengthMax);
    return value.map((member: unknown, index) => item(member, `${path}.${index}`));
  };
}

export function object<R extends Fields, O extends Fields>(shape: ObjectShape<R, O>): Parse<Parsed<R, O>> {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(path, 'an object');
    const given = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
    const parsed: Record<string, unknown> = {};
    for (const [name, member] of given) parsed[name] = fieldOf(shape, name, path)(member, joined(path, name));
    for (const name of Object.keys(shape.required)) {
      if (name in parsed) continue;
      throw new ClbError(
        'MissingParameter',
        `The request is missing the required parameter \`${joined(path, name)}\`.`,
      );
    }
    return parsed as Parsed<R, O>;
  };
}

function fieldOf<R extends Fields, O extends Fields>(shape: ObjectShape<R, O>, name: string, path: string) {
  const field = Object.hasOwn(shape.required, name) ? shape.required[name] : undefined;
  const found = field ?? (Object.hasOwn(shape.optional, name) ? shape.optional[name] : undefined);
  if (found) return found;
  if (shape.unmodelled?.includes(name)) {
    throw new ClbError('UnsupportedOperation', `The sandbox does not model the parameter \`${joined(path, name)}\`.`);
  }
  throw new ClbError('UnknownParameter', `The parameter \`${joined(path, name)}\` is not recognized.`);
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function wrongType(path: string, expected: string): ClbError {
  return new ClbError(
    'InvalidParameter',
    `The value type of parameter \`${path}\` is not valid: it must be ${expected}.`,
  );
}

function wrongLength(path: string, lengthMin: number, lengthMax: number | undefined): ClbError {
  const limits = lengthMax === undefined ? `at least ${lengthMin}` : `from ${lengthMin} to ${lengthMax}`;
  return new ClbError('InvalidParameterValue.Length', `Length of \`${path}\` must be ${limits}.`);
}
