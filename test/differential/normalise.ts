/** Makes answers of two servers comparable: what must differ is masked, what is no one's promise is left out. */

/** Written by the server alone and of no use to anybody here. */
const leftOut = new Set(['managedFields', 'selfLink']);
/** Texts for people that explain the columns of a Table. */
const documentation = new Set(['description']);
/** Values that are drawn anew by each server; that they are there is compared. */
const masked = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'expirationTimestamp',
  'continue',
  'token',
  'clusterIP',
  'clusterIPs',
]);
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** As Tables print them. */
const age = /^\d+[smh](\d+[sm])?$/;
const ipAddress = /^\d{1,3}(\.\d{1,3}){3}$/;
const moment = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
/** In what a failed precondition is told with. */
const versionInText = /\bin record \(\d+\)/g;
/** Suffixes of generated names use an alphabet of their own. */
const generated = /-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g;

export function normalise(value: unknown, key = ''): unknown {
  if (masked.has(key) && value !== null && value !== '') return `<${key}>`;
  if (Array.isArray(value)) return value.map(item => normalise(item));
  if (typeof value === 'object' && value !== null) return normaliseObject(value as Record<string, unknown>);
  return typeof value === 'string' ? normaliseText(value, key) : value;
}

function normaliseObject(object: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(object).filter(([key]) => !leftOut.has(key) && !documentation.has(key));
  return Object.fromEntries(entries.map(([key, value]) => [key, normalise(value, key)]).sort());
}

function normaliseText(text: string, key: string): string {
  if (ipAddress.test(text)) return '<address>';
  if (age.test(text)) return '<age>';
  const plain = text.replace(uuid, '<uid>').replace(moment, '<moment>').replace(versionInText, 'in record (<version>)');
  return key === 'name' ? plain.replace(generated, '-<generated>') : plain;
}
