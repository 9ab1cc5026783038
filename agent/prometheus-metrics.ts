import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client';
import type { AgentMetrics } from './metrics.ts';

const PREFIX = 'clb_direct_agent_';
/** From an unbound Pod's immediate answer to the longest budgets. */
const HELD_SECONDS = [0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300];

/** The agent's metrics in a registry of its own. */
export function prometheusMetrics(registry: Registry): AgentMetrics {
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const registers = [registry];
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string) => new Gauge({ name: `${PREFIX}${name}`, help, registers });

  const pods = gauge('pods', 'Pods of this node that are reported.');
  const listErrors = counter('pod_watch_errors_total', 'Lists and watches of Pods that failed.');
  const runtimeErrors = counter('runtime_errors_total', 'Questions to the container runtime that failed.');
  const streams = gauge('report_streams', 'Coordinators that are connected and have welcomed this agent.');
  const streamErrors = counter('report_stream_errors_total', 'Report streams that failed.', 'kind');
  const messages = counter('report_messages_total', 'Snapshots and deltas sent.', 'type');
  const resyncs = counter('report_resyncs_total', 'Snapshots that coordinators asked for.');
  const held = gauge('hooks_held', 'preStop calls that are being held.');
  const answers = counter('hook_answers_total', 'preStop calls answered, by reason.', 'reason');
  const heldSeconds = new Histogram({
    name: `${PREFIX}hook_held_seconds`,
    help: 'How long preStop calls were held.',
    buckets: HELD_SECONDS,
    registers,
  });
  const refusals = counter('hook_refusals_total', 'preStop calls turned away, by reason.', 'reason');
  const readErrors = counter('connection_read_errors_total', 'Readings of connections that failed.');
  const redirects = counter('redirect_replacements_total', 'Replacements of the redirect rule.', 'outcome');

  return {
    podsKnown: count => pods.set(count),
    podListOrWatchFailed: () => listErrors.inc(),
    runtimeFailed: () => runtimeErrors.inc(),
    streamsConnected: count => streams.set(count),
    streamFailed: kind => streamErrors.inc({ kind }),
    podMessageSent: type => messages.inc({ type }),
    resyncRequested: () => resyncs.inc(),
    hooksHeld: count => held.set(count),
    hookAnswered: (reason, heldMs) => {
      answers.inc({ reason });
      heldSeconds.observe(heldMs / 1_000);
    },
    hookRefused: reason => refusals.inc({ reason }),
    connectionReadFailed: () => readErrors.inc(),
    redirectReplaced: outcome => redirects.inc({ outcome }),
  };
}
