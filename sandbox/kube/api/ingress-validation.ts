import type { FieldError } from './api-error.ts';
import { type ApiObject, type JsonObject, objectOf, objectsOf, stringOf } from './json.ts';

const PATH_TYPES = ['Exact', 'Prefix', 'ImplementationSpecific'];

/** What the real server does not let into an Ingress, as far as people run into it. */
export function ingressErrors(object: ApiObject): FieldError[] {
  const spec = objectOf(object.spec);
  const rules = objectsOf(spec.rules);
  if (rules.length === 0 && spec.defaultBackend === undefined) {
    return [
      { field: 'spec', problem: 'Invalid value', detail: 'either `defaultBackend` or `rules` must be specified' },
    ];
  }
  const ofRules = rules.flatMap((rule, index) => ruleErrors(rule, `spec.rules[${index}]`));
  const { defaultBackend } = spec;
  return [...(defaultBackend === undefined ? [] : backendErrors(defaultBackend, 'spec.defaultBackend')), ...ofRules];
}

function ruleErrors(rule: JsonObject, field: string): FieldError[] {
  if (rule.http === undefined) return [];
  const paths = objectsOf(objectOf(rule.http).paths);
  if (paths.length === 0) return [{ field: `${field}.http.paths`, problem: 'Required value' }];
  return paths.flatMap((path, index) => pathErrors(path, `${field}.http.paths[${index}]`));
}

function pathErrors({ path, pathType, backend }: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (pathType === undefined) errors.push({ field: `${field}.pathType`, problem: 'Required value' });
  else if (!PATH_TYPES.includes(stringOf(pathType))) {
    const detail = `supported values: ${PATH_TYPES.map(type => `"${type}"`).join(', ')}`;
    errors.push({ field: `${field}.pathType`, problem: `Unsupported value: ${JSON.stringify(pathType)}`, detail });
  }
  if (pathType !== 'ImplementationSpecific' && !stringOf(path).startsWith('/')) {
    const problem = `Invalid value: ${JSON.stringify(path ?? '')}`;
    errors.push({ field: `${field}.path`, problem, detail: 'must be an absolute path' });
  }
  return [...errors, ...backendErrors(backend, `${field}.backend`)];
}

function backendErrors(value: unknown, field: string): FieldError[] {
  const { service, resource } = objectOf(value as JsonObject | undefined);
  if (resource !== undefined) return [];
  const { name, port } = objectOf(service);
  const { name: portName, number } = objectOf(port);
  return [
    ...(stringOf(name) ? [] : [{ field: `${field}.service.name`, problem: 'Required value' }]),
    ...(portName === undefined && number === undefined
      ? [{ field, problem: 'Required value', detail: 'port name or number is required' }]
      : []),
  ];
}
