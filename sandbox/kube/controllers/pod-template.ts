import type { PodTemplate } from './workloads.ts';

export const TEMPLATE_HASH_LABEL = 'pod-template-hash';

/** The letters of k8s.io/apimachinery's rand.SafeEncodeString: no vowels, nothing that reads as another. */
const SAFE_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** A short name for what a template says; equal templates have equal hashes. */
export function templateHash(template: PodTemplate): string {
  const digits = String(fnv1a(canonicalTemplate(template)));
  return [...digits].map(digit => SAFE_LETTERS[digit.charCodeAt(0) % SAFE_LETTERS.length]).join('');
}

/** Tells whether another template makes the same Pods, whatever hash label one of them carries. */
export function sameTemplateAs(template: PodTemplate): (other: PodTemplate) => boolean {
  const wanted = canonicalTemplate(template);
  return other => canonicalTemplate(other) === wanted;
}

function canonicalTemplate(template: PodTemplate): string {
  const { [TEMPLATE_HASH_LABEL]: _hash, ...labels } = template.metadata?.labels ?? {};
  const metadata = { ...template.metadata, labels };
  return JSON.stringify(withSortedKeys({ metadata, spec: template.spec }));
}

/** Absent and null fields are the same thing: the API server drops null ones (creationTimestamp in templates). */
function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined && field !== null);
  entries.sort(([first], [second]) => (first < second ? -1 : 1));
  return Object.fromEntries(entries.map(([key, field]) => [key, withSortedKeys(field)]));
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
