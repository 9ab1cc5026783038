import { type LoadReport, TIMELINE_SLOT_MS } from '../load/tally.ts';
import type { PodMoments } from './moments.ts';
import type { PodCounts } from './pod-counts.ts';

/** What one side's rolling update came to. */
export interface SideResult {
  /** Short and long requests, sent by two processes. */
  readonly loads: readonly LoadReport[];
  /** One for each replaced Pod, in the order they went. */
  readonly moments: readonly PodMoments[];
  readonly counts: PodCounts;
}

export interface Demands {
  /** On the hooked side. */
  readonly requestsMin: number;
  /** On each side. */
  readonly replacementsMin: number;
  /** Of the hooked side's requests, sent while some target was draining. */
  readonly drainingShareMin: number;
}

export interface Check {
  readonly claim: string;
  readonly holds: boolean;
}

/** Every claim that the run makes, also about itself: a run that met no open connection would prove nothing. */
export function judge(hooked: SideResult, gateOnly: SideResult, demands: Demands): Check[] {
  const { requestsMin, replacementsMin, drainingShareMin } = demands;
  const { sent, lost } = totals(hooked);
  const replaced = Math.min(hooked.moments.length, gateOnly.moments.length);
  const share = drainingShare(hooked);
  const met = sum(hooked.moments.map(({ openAtWeightZero }) => openAtWeightZero));
  const without = hooked.moments.filter(moments => !isWeightZeroFirst(moments)).map(({ podName }) => podName);
  return [
    {
      claim: `hooked: ${lost} of ${sent} requests lost (at least ${requestsMin} sent)`,
      holds: lost === 0 && sent >= requestsMin,
    },
    {
      claim: `gate-only: ${totals(gateOnly).lost} of ${totals(gateOnly).sent} requests lost`,
      holds: totals(gateOnly).lost > 0,
    },
    {
      claim: `at least ${replacementsMin} Pods replaced on each side: ${replaced}`,
      holds: replaced >= replacementsMin,
    },
    {
      claim: `hooked: every replaced Pod stood at weight 0 before SIGTERM${without.length > 0 ? `, but not ${without.join(', ')}` : ''}`,
      holds: without.length === 0,
    },
    {
      claim: `hooked: ${percent(share)} of the requests ran while a target was draining (at least ${percent(drainingShareMin)})`,
      holds: share >= drainingShareMin,
    },
    { claim: `hooked: drains met ${met} open connections`, holds: met > 0 },
    countsAgree('hooked', hooked),
    countsAgree('gate-only', gateOnly),
  ];
}

export function totals({ loads }: SideResult): { sent: number; ok: number; lost: number } {
  return {
    sent: sum(loads.map(({ sent }) => sent)),
    ok: sum(loads.map(({ ok }) => ok)),
    lost: sum(loads.map(({ lostTotal, endedByApplication }) => lostTotal + endedByApplication)),
  };
}

/** Of all requests, those sent while a replaced Pod stood between weight 0 and its deregistration. */
export function drainingShare({ loads, moments }: SideResult): number {
  const isDraining = (at: number) =>
    moments.some(
      ({ weightZero = Number.POSITIVE_INFINITY, deregistered = 0 }) => at >= weightZero && at < deregistered,
    );
  const during = loads.flatMap(({ startedAt, timeline }) =>
    timeline.map(({ sent }, slot) => (isDraining(startedAt + slot * TIMELINE_SLOT_MS) ? sent : 0)),
  );
  const all = sum(loads.map(({ sent }) => sent));
  return all === 0 ? 0 : sum(during) / all;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function isWeightZeroFirst({ weightZero, terminated }: PodMoments): boolean {
  return weightZero !== undefined && terminated !== undefined && weightZero < terminated;
}

/** What a client got whole was served; what was served may have been lost on its way. */
function countsAgree(side: string, result: SideResult): Check {
  const { sent, ok, lost } = totals(result);
  const { served, pods } = result.counts;
  const strangers = result.loads
    .flatMap(({ answersByPod }) => Object.keys(answersByPod))
    .filter(name => !pods.has(name));
  const who = strangers.length > 0 ? `, and strangers answered: ${strangers.join(', ')}` : '';
  return {
    claim: `${side}: ${ok} answered + ${lost} lost = ${sent} sent, and the Pods count ${served} served${who}`,
    holds: sent === ok + lost && served >= ok && served <= ok + lost && strangers.length === 0,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
