import { MalformedReplyError } from './failures.ts';

/** An object of a reply. CLB sends null for what is not set; so null counts as absent everywhere. */
export type Reply = Readonly<Record<string, unknown>>;

/** @throws MalformedReplyError unless the field is a string; an empty one passes. */
export function stringField(reply: Reply, name: string): string {
  const value = reply[name];
  return typeof value === 'string' ? value : malformed(name, 'a string', value);
}

/** The field, or '' when it is absent. */
export function optionalString(reply: Reply, name: string): string {
  return isAbsent(reply[name]) ? '' : stringField(reply, name);
}

/** @throws MalformedReplyError unless the field is a whole number of at least 0. */
export function numberField(reply: Reply, name: string): number {
  const value = reply[name];
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : malformed(name, 'a whole number', value);
}

/** The field, or `byDefault` when it is absent. */
export function optionalNumber(reply: Reply, name: string, byDefault: number): number {
  return isAbsent(reply[name]) ? byDefault : numberField(reply, name);
}

/** The objects of an array; none when the field is absent. */
export function objectList(reply: Reply, name: string): Reply[] {
  return list(reply, name).map(value => (isObject(value) ? value : malformed(name, 'a list of objects', value)));
}

/** The strings of an array; none when the field is absent. */
export function stringList(reply: Reply, name: string): string[] {
  return list(reply, name).map(value => (typeof value === 'string' ? value : malformed(name, 'strings', value)));
}

export function malformed(name: string, wanted: string, got: unknown): never {
  const shown = JSON.stringify(got) ?? 'nothing';
  throw new MalformedReplyError(`the reply's ${name} should be ${wanted}, not ${shown.slice(0, 80)}`);
}

function list(reply: Reply, name: string): unknown[] {
  const value = reply[name];
  if (isAbsent(value)) return [];
  return Array.isArray(value) ? value : malformed(name, 'a list', value);
}

export function isObject(value: unknown): value is Reply {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
