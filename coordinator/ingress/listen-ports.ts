import type { AnnotationReader } from '../manifests/annotation-reader.ts';
import { LISTEN_PORTS } from './ingress-annotations.ts';
import { fieldsOf } from './json-fields.ts';

export type Scheme = 'HTTP' | 'HTTPS';

export interface ListenPort {
  readonly scheme: Scheme;
  readonly port: number;
}

/** TKE's own, where the annotation does not tell others. */
export const DEFAULT_PORTS: Readonly<Record<Scheme, number>> = { HTTP: 80, HTTPS: 443 };

const EXAMPLE = '[{"HTTP":80},{"HTTPS":443}]';
const PORTS_MAX = 50;

/** The ports that the annotation lists, each once; undefined when it lists none that is usable. */
export function listenPorts(reader: AnnotationReader): readonly ListenPort[] | undefined {
  const entries = reader.jsonList(LISTEN_PORTS, EXAMPLE);
  if (!entries || entries.length === 0) return undefined;
  const ports = entries.map(listenPort).filter(found => found !== undefined);
  if (ports.length < entries.length || entries.length > PORTS_MAX)
    reader.malformed(LISTEN_PORTS, `it takes up to ${PORTS_MAX} ports, like ${EXAMPLE}`);
  const used = new Set<number>();
  const distinct = ports.filter(({ port }) => !used.has(port) && used.add(port));
  if (distinct.length < ports.length) reader.malformed(LISTEN_PORTS, 'it takes every port once');
  return distinct.length > 0 ? distinct.slice(0, PORTS_MAX) : undefined;
}

function listenPort(entry: unknown): ListenPort | undefined {
  const [[scheme, port] = [], ...more] = Object.entries(fieldsOf(entry));
  if (more.length > 0 || (scheme !== 'HTTP' && scheme !== 'HTTPS')) return undefined;
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535
    ? { scheme, port }
    : undefined;
}
