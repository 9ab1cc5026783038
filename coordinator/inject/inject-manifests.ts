import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { type InjectionPolicy, injectPod } from '../webhook/inject.ts';
import type { JsonPatchOperation } from '../webhook/json-patch.ts';
import { isObject, podFrom } from '../webhook/pod-shape.ts';
import { UNKNOWN_SURROUNDINGS } from '../webhook/surroundings.ts';
import { at, type ManifestPath, type PodTemplate, podTemplatesIn } from './pod-templates.ts';

/** The manifests cannot be read; the message says where. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

export interface InjectedManifests {
  /** As they were, with comments, but for what was added and for the indentation. */
  readonly text: string;
  /** For the person at the terminal: what was done to each workload, and what is not as it should be. */
  readonly remarks: readonly string[];
}

/** Whoever names a manifest wants its Pods injected, and knows its namespace. */
const SURROUNDINGS = {
  ...UNKNOWN_SURROUNDINGS,
  namespace: { inject: undefined, podSecurity: undefined },
  isSelected: true,
};
const ALIASES_MAX = 100;

/**
 * Adds gate, hook and grace period to the Pods and templates of Pods in YAML or JSON, as the webhook would, so that they
 * need none. What has them already, or says `clb-direct.io/inject: "false"`, stays as it is.
 * @throws ManifestError when the text is neither YAML nor JSON.
 */
export function injectManifests(text: string, policy: InjectionPolicy): InjectedManifests {
  const documents = readDocuments(text);
  const remarks = documents.flatMap(document => injectDocument(document, policy));
  const isChanged = remarks.some(({ patch }) => patch.length > 0);
  return {
    text: isChanged ? written(documents, isJson(text)) : text,
    remarks: remarks.flatMap(({ lines }) => lines),
  };
}

function readDocuments(text: string): readonly Document[] {
  const lineCounter = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter, merge: true });
  // An empty stream is given back as something without documents.
  const documents = Array.isArray(parsed) ? parsed : [];
  const [error] = documents.flatMap(({ errors }) => errors);
  if (error) throw new ManifestError(`line ${lineCounter.linePos(error.pos[0]).line}: ${error.message.split('\n')[0]}`);
  return documents;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function written(documents: readonly Document[], asJson: boolean): string {
  if (asJson) return documents.map(document => `${JSON.stringify(document.toJS(), undefined, 2)}\n`).join('');
  const texts = documents.map(document => document.toString({ lineWidth: 0 }));
  return texts.map((text, index) => (index === 0 || text.startsWith('---') ? text : `---\n${text}`)).join('');
}

interface Remark {
  readonly patch: readonly JsonPatchOperation[];
  readonly lines: readonly string[];
}

function injectDocument(document: Document, policy: InjectionPolicy): Remark[] {
  const manifest: unknown = contentOf(document);
  return podTemplatesIn(manifest).map(template =>
    injectTemplate(document, at(manifest, template.path), template, policy),
  );
}

/** @throws ManifestError where aliases name each other without end. */
function contentOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (cause) {
    throw new ManifestError((cause as Error).message, { cause });
  }
}

function injectTemplate(
  document: Document,
  value: unknown,
  { path, owner }: PodTemplate,
  policy: InjectionPolicy,
): Remark {
  const pod = podFrom(isObject(value) ? { ...value, metadata: value.metadata ?? {} } : value);
  if (!pod) return { patch: [], lines: [`${owner}: its Pod could not be read, and was left as it is`] };
  const { patch, warnings, hookMode } = injectPod(pod, { ...policy, pods: 'always' }, SURROUNDINGS);
  try {
    for (const operation of patch) apply(document, path, operation);
  } catch (cause) {
    throw new ManifestError(`${owner}: ${(cause as Error).message}; write out what stands there by an alias`, {
      cause,
    });
  }
  const seconds = patch.find(operation => operation.path === '/spec/terminationGracePeriodSeconds')?.value;
  const added = [
    patch.some(operation => operation.path.startsWith('/spec/readinessGates')) ? 'the readiness gate' : undefined,
    hookMode && `preStop (${hookMode})`,
    seconds === undefined ? undefined : `terminationGracePeriodSeconds: ${seconds}`,
  ].filter(part => part !== undefined);
  const done = added.length > 0 ? `added ${added.join(', ')}` : 'left as it is';
  const shared = hookMode === 'loopback' ? [`${owner}: ${SHARED_TOKEN}`] : [];
  return { patch, lines: [`${owner}: ${done}`, ...shared, ...warnings.map(warning => `${owner}: ${warning}`)] };
}

/** A webhook makes one for each Pod. */
const SHARED_TOKEN =
  'its hook has a token that all its Pods share: run at most one of them on a node, as a DaemonSet does, else the agent refuses their calls';

function apply(document: Document, base: ManifestPath, { path, value }: JsonPatchOperation): void {
  const segments = path.slice(1).split('/').map(unescaped);
  const last = segments.pop();
  const parent = [...base, ...segments];
  // A key without a value is no map that something could be added to.
  if (document.hasIn(parent) && document.getIn(parent) === null) document.deleteIn(parent);
  if (last === '-') document.addIn(parent, document.createNode(value));
  else document.setIn([...parent, last], document.createNode(value));
}

function unescaped(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
