import { Protocol } from '../../common/pod-record.ts';
import type { RuleWeights } from '../core/rule.ts';
import { type AnnotationReader, isRecord } from './annotation-reader.ts';

const KEY = 'service.cloud.tencent.com/lb-rs-weight';
const FORM =
  '{"defaultWeight":10,"groups":[{"key":{"proto":"TCP","port":80},"statefulSets":[{"name":"web","weights":[{"weight":0,' +
  '"podIndexes":[0]}]}]}]}';
const PODS_MAX = 1_000;

/** What the annotation says of the Service's rules. */
export interface ServiceWeights {
  /** Of the rules of a port; undefined when nothing is said about them. */
  of(protocol: Protocol, port: number): RuleWeights | undefined;
}

/** Weights by StatefulSet and ordinal. Of an annotation that makes no sense nothing is taken. */
export function readServiceWeights(reader: AnnotationReader): ServiceWeights {
  const said = reader.jsonObject(KEY, FORM);
  if (!said) return { of: () => undefined };
  const { defaultWeight, groups = [] } = said;
  const read = Array.isArray(groups) ? groups.map(groupOf) : [undefined];
  if ((defaultWeight !== undefined && !isWeight(defaultWeight)) || read.includes(undefined)) {
    reader.malformed(KEY, `it takes weights from 0 to 100, each for up to ${PODS_MAX} Pods: ${FORM}`);
    return { of: () => undefined };
  }
  const byDefault = defaultWeight === undefined ? {} : { byDefault: defaultWeight };
  return {
    of: (protocol, port) => {
      const byPodName = Object.assign(
        {},
        ...read.filter(group => group?.isFor(protocol, port)).map(each => each?.weights),
      );
      return { ...byDefault, byPodName };
    },
  };
}

interface Group {
  readonly isFor: (protocol: Protocol, port: number) => boolean;
  readonly weights: Readonly<Record<string, number>>;
}

function groupOf(said: unknown): Group | undefined {
  if (!isRecord(said) || !isRecord(said.key) || !Array.isArray(said.statefulSets ?? [])) return undefined;
  const { proto, port } = said.key;
  const entries: [string, number][] = [];
  for (const set of (said.statefulSets ?? []) as unknown[]) {
    const weights = podWeights(set);
    if (!weights) return undefined;
    entries.push(...weights);
  }
  if (entries.length > PODS_MAX) return undefined;
  const isUdp = proto === 'UDP';
  return {
    isFor: (protocol, wanted) => port === wanted && isUdp === (protocol === Protocol.UDP),
    weights: Object.fromEntries(entries),
  };
}

function podWeights(set: unknown): [string, number][] | undefined {
  if (!isRecord(set) || typeof set.name !== 'string' || !Array.isArray(set.weights)) return undefined;
  const entries: [string, number][] = [];
  for (const each of set.weights as unknown[]) {
    if (!isRecord(each) || !isWeight(each.weight) || !Array.isArray(each.podIndexes)) return undefined;
    const indexes = each.podIndexes as unknown[];
    if (!indexes.every(isOrdinal)) return undefined;
    for (const index of indexes) entries.push([`${set.name}-${index}`, each.weight]);
  }
  return entries;
}

function isOrdinal(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function isWeight(value: unknown): value is number {
  return isOrdinal(value) && value <= 100;
}
