import { badRequest } from './api-error.ts';
import { type ApiObject, arrayOf, type Json, type JsonObject, objectsOf, stringOf, valueAt } from './json.ts';
import type { Kind } from './kinds.ts';

export type Labels = Readonly<Record<string, Json | undefined>>;
type Requirement = (labels: Labels) => boolean;
export type Matcher = (object: ApiObject) => boolean;

const LABEL_KEY = /^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/**
 * The filter that `labelSelector` and `fieldSelector` of a request ask for.
 * @throws ApiError 400 for a selector that cannot be parsed or a field that this kind cannot be selected by.
 */
export function matcherOf(kind: Kind, labelSelector: string | undefined, fieldSelector: string | undefined): Matcher {
  const labels = parseLabelSelector(labelSelector ?? '');
  const fields = parseFieldSelector(kind, fieldSelector ?? '');
  return object => labels(object.metadata.labels ?? {}) && fields(object);
}

/** Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k`. @throws ApiError 400 */
export function parseLabelSelector(text: string): Requirement {
  const requirements = splitOutsideParentheses(text).map(part => parseRequirement(part, text));
  return labels => requirements.every(requirement => requirement(labels));
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map(part => part.trim())
    .filter(Boolean);
}

function parseRequirement(part: string, whole: string): Requirement {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(part);
  if (set) {
    const values = (set[3] ?? '').split(',').map(value => value.trim());
    return requirementOf(checkedKey(set[1], whole), set[2] === 'in' ? 'In' : 'NotIn', values);
  }
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(part);
  if (equality) {
    const operator = equality[2] === '!=' ? 'NotIn' : 'In';
    return requirementOf(checkedKey(equality[1], whole), operator, [equality[3] ?? '']);
  }
  if (part.startsWith('!')) return requirementOf(checkedKey(part.slice(1).trim(), whole), 'DoesNotExist', []);
  return requirementOf(checkedKey(part, whole), 'Exists', []);
}

function checkedKey(key: string | undefined, whole: string): string {
  if (!key || !LABEL_KEY.test(key)) throw badRequest(`unable to parse requirement: invalid label key in "${whole}"`);
  return key;
}

function requirementOf(key: string, operator: string, values: readonly Json[]): Requirement {
  switch (operator) {
    case 'In':
      return labels => labels[key] !== undefined && values.includes(labels[key] as Json);
    case 'NotIn':
      return labels => labels[key] === undefined || !values.includes(labels[key] as Json);
    case 'Exists':
      return labels => labels[key] !== undefined;
    case 'DoesNotExist':
      return labels => labels[key] === undefined;
    default:
      throw badRequest(`"${operator}" is not a valid label selector operator`);
  }
}

/** A `LabelSelector` object (matchLabels, matchExpressions). Undefined matches nothing, an empty one everything. */
export function matchesLabelSelector(selector: JsonObject | undefined, labels: Labels): boolean {
  if (!selector) return false;
  const pairs = Object.entries((selector.matchLabels as JsonObject | undefined) ?? {});
  const expressions = objectsOf(selector.matchExpressions).map(expression =>
    requirementOf(stringOf(expression.key), stringOf(expression.operator), arrayOf(expression.values)),
  );
  return pairs.every(([key, value]) => labels[key] === value) && expressions.every(holds => holds(labels));
}

function parseFieldSelector(kind: Kind, text: string): Matcher {
  const requirements = text.split(',').filter(Boolean).map(parseFieldRequirement);
  for (const { path } of requirements) {
    if (!isSelectable(kind, path)) {
      throw badRequest(
        `Unable to find "${kind.resource}" that match label selector "", field selector "${text}": field label not supported: ${path}`,
      );
    }
  }
  return object => requirements.every(({ path, value, equal }) => (fieldText(object, path) === value) === equal);
}

function parseFieldRequirement(part: string): { path: string; value: string; equal: boolean } {
  const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part.trim());
  if (!match?.[1]) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
  return { path: match[1], value: match[3] ?? '', equal: match[2] !== '!=' };
}

function isSelectable(kind: Kind, path: string): boolean {
  if (path === 'metadata.name') return true;
  return (path === 'metadata.namespace' && kind.namespaced) || kind.selectableFields.includes(path);
}

function fieldText(object: ApiObject, path: string): string {
  const value = valueAt(object, ...path.split('.'));
  if (value === undefined) return path === 'spec.hostNetwork' || path === 'spec.unschedulable' ? 'false' : '';
  return String(value);
}
