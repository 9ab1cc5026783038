import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { NumberedRecord } from '../../sandbox/clb/journal.ts';
import type { Window } from './request-counts.ts';

const CHUNK_BYTES = 1 << 20;

/** The journal of a CLB in another process, read on from where it was read last. */
export class ClbJournal {
  readonly #file: string;
  readonly #records: NumberedRecord[] = [];
  readonly #decoder = new StringDecoder('utf8');
  #position = 0;
  /** Of a line that was not written to its end yet. */
  #rest = '';

  constructor(file: string) {
    this.#file = file;
  }

  /** All that is written by now. */
  records(): readonly NumberedRecord[] {
    const file = openSync(this.#file, 'r');
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let bytes = 1; bytes > 0; ) {
      bytes = readSync(file, chunk, 0, CHUNK_BYTES, this.#position);
      this.#position += bytes;
      this.#append(this.#decoder.write(chunk.subarray(0, bytes)));
    }
    closeSync(file);
    return this.#records;
  }

  #append(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#records.push(JSON.parse(line) as NumberedRecord);
  }
}

/** Calls of the window that were to change something, by action. */
export function writesByAction(records: readonly NumberedRecord[], { fromMs, toMs }: Window): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) {
    if (record.kind !== 'call' || record.action.startsWith('Describe')) continue;
    if (record.at >= fromMs && record.at < toMs) counts.set(record.action, (counts.get(record.action) ?? 0) + 1);
  }
  return counts;
}

/** Each address that a call took to weight 0 or out since then, with the moment at which the first such call came. */
export function takenOut(records: readonly NumberedRecord[], sinceMs: number): Map<string, number> {
  const moments = new Map<string, number>();
  for (const record of records) {
    if (record.kind !== 'call' || record.code !== '' || record.at < sinceMs) continue;
    for (const address of addressesTakenOut(record)) {
      moments.set(address, Math.min(record.at, moments.get(address) ?? record.at));
    }
  }
  return moments;
}

/** When targets of the address were found healthy, in order; an address may be of several Pods, one after another. */
export function healthyMoments(records: readonly NumberedRecord[]): Map<string, number[]> {
  const moments = new Map<string, number[]>();
  for (const record of records) {
    if (record.kind !== 'health' || record.status !== 'Alive') continue;
    moments.set(record.address, [...(moments.get(record.address) ?? []), record.at]);
  }
  return moments;
}

interface TargetsCall {
  readonly ModifyList?: readonly { readonly Targets: readonly { EniIp: string; Weight: number }[] }[];
  readonly Targets?: readonly { readonly EniIp: string }[];
}

function addressesTakenOut({ action, parameters }: NumberedRecord & { kind: 'call' }): string[] {
  const { ModifyList = [], Targets = [] } = parameters as TargetsCall;
  if (action === 'BatchDeregisterTargets') return Targets.map(({ EniIp }) => EniIp);
  if (action !== 'BatchModifyTargetWeight') return [];
  return ModifyList.flatMap(({ Targets: each }) => each.filter(({ Weight }) => Weight === 0).map(({ EniIp }) => EniIp));
}
