/** How long each step of many Pods' ends took. */
import { numberTable } from '../../../bench/number-table.ts';
import { quantile } from '../../../bench/quantile.ts';
import { outlivedBudget, type PodMoments } from './pod-moments.ts';

type Moment = (moments: PodMoments) => number | undefined;

const preStop: Moment = ({ preStopAtMs }) => preStopAtMs;
const preStopEnd: Moment = ({ preStopEndedAtMs }) => preStopEndedAtMs;
const weightZero: Moment = ({ weightZeroAtMs }) => weightZeroAtMs;
const deregistered: Moment = ({ deregisteredAtMs }) => deregisteredAtMs;
const terminated: Moment = ({ terminatedAtMs }) => terminatedAtMs;
const exited: Moment = ({ exitedAtMs }) => exitedAtMs;
/** Nothing was open any more at weight 0: the step took no time. */
const lastConnection: Moment = ({ lastClosedAtMs, weightZeroAtMs }) =>
  weightZeroAtMs === undefined ? undefined : Math.max(weightZeroAtMs, lastClosedAtMs ?? 0);

const first = [['preStop → weight 0', preStop, weightZero]] as const;
const last = [
  ['preStop ended → SIGTERM', preStopEnd, terminated],
  ['SIGTERM → exit', terminated, exited],
] as const;
const whenDrained = [
  ...first,
  ['weight 0 → last connection', weightZero, lastConnection],
  ['last connection → deregistered', lastConnection, deregistered],
  ['deregistered → preStop ended', deregistered, preStopEnd],
  ...last,
] as const;
const whenOutlived = [
  ...first,
  ['weight 0 → preStop ended', weightZero, preStopEnd],
  ...last,
  ['exit → deregistered', exited, deregistered],
] as const;

const shares = [0.5, 0.9, 0.99];

/**
 * Percentiles of each step in seconds, aligned: those whose connections all ended in time, then those with connections that
 * outlived the drain. A step is negative when its end came first, as weight 0 may before preStop.
 */
export function stepTimesTable(pods: readonly PodMoments[]): string {
  const outlived = pods.filter(outlivedBudget);
  const drained = pods.filter(pod => !outlived.includes(pod));
  return [tableOf('drained', drained, whenDrained), tableOf('connections left', outlived, whenOutlived)]
    .filter(table => table !== '')
    .join('\n\n');
}

function tableOf(
  title: string,
  pods: readonly PodMoments[],
  steps: readonly (readonly [name: string, from: Moment, to: Moment])[],
): string {
  if (pods.length === 0) return '';
  const rows = steps.map(([name, from, to]) => {
    const tookMs = pods.map(pod => (to(pod) ?? Number.NaN) - (from(pod) ?? Number.NaN)).filter(ms => !Number.isNaN(ms));
    const figures = [Math.min(...tookMs), ...shares.map(share => quantile(tookMs, share)), Math.max(...tookMs)];
    return [name, String(tookMs.length), ...figures.map(ms => (ms / 1000).toFixed(3))];
  });
  return numberTable([[`${title} (s)`, 'Pods', 'least', 'p50', 'p90', 'p99', 'most'], ...rows]);
}
