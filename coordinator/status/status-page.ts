import { type Html, html } from './html.ts';
import type {
  AgentStatus,
  DrainStatus,
  IntendedStatus,
  LoadBalancerStatus,
  StatusSnapshot,
  TargetStatus,
} from './status-snapshot.ts';

/** Rows of one table; what is beyond is counted, not shown. */
const ROWS_MAX = 500;
const REFRESH_SECONDS = 5;

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2733;--quiet:#66727f;--line:#e3e7ec;--paper:#fff;--wash:#f6f8fa;--good:#157f4b;--busy:#a15c00;--gone:#66727f}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ee;--quiet:#94a0ac;--line:#2b333c;--paper:#14191f;--wash:#1b2128;--good:#4cc38a;--busy:#e5a04b;--gone:#94a0ac}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:0 auto;padding:2rem 1.5rem 4rem}h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2.5rem 0 .5rem}
p{margin:.25rem 0;color:var(--quiet)}code{font:13px/1.5 ui-monospace,monospace}.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--quiet);font-weight:500;font-size:.85rem}td:last-child{white-space:normal}.state{font-weight:600;color:var(--busy)}.Serving,.leading{color:var(--good)}.Absent,.following{color:var(--gone)}.observing{color:var(--busy)}
.badge{font-size:.85rem;font-weight:600;margin-left:.5rem}.empty{background:var(--wash);border-radius:6px;padding:.75rem 1rem}nav{margin-top:3rem;color:var(--quiet)}a{color:inherit}
`;

/** The whole page: one document without scripts or outside parts, which reloads itself. */
export function renderStatusPage(snapshot: StatusSnapshot): string {
  const { takenAtMs } = snapshot;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${REFRESH_SECONDS}">
<title>clb-direct · ${snapshot.coordinator}</title>
<style>${{ markup: STYLE }}</style>
</head>
<body><main>
${heading(snapshot)}
${snapshot.missingRights.map(text => html`<p class="empty">${text}</p>`)}
${snapshot.intended ? intendedSection(snapshot.intended) : { markup: '' }}
${snapshot.loadBalancers.map(loadBalancer => loadBalancerSection(loadBalancer, takenAtMs))}
${snapshot.loadBalancers.length === 0 ? emptySection('Load balancers', nothingBound(snapshot)) : { markup: '' }}
${snapshot.leading ? drainSection(snapshot.recentDrains, takenAtMs) : { markup: '' }}
${agentSection(snapshot.agents, takenAtMs)}
${agentlessSection(snapshot)}
<nav><a href="/metrics">metrics</a> · <a href="/readyz">readiness</a> · <a href="/healthz">liveness</a></nav>
</main></body>
</html>
`.markup;
}

function heading({ coordinator, leading, leader, term, takenAtMs, intended }: StatusSnapshot): Html {
  const role = intended ? 'observing' : leading ? 'leading' : 'following';
  if (intended) {
    return html`<h1>clb-direct <span class="badge ${role}">${role}</span></h1>
<p>${coordinator} · writes nothing, to the cluster or to CLB · <time>${new Date(takenAtMs).toISOString()}</time></p>`;
  }
  const whoLeads = leader === '' ? 'nobody leads' : `${leader} leads`;
  return html`<h1>clb-direct <span class="badge ${role}">${role}</span></h1>
<p>${coordinator} · ${whoLeads} · term ${term} · <time>${new Date(takenAtMs).toISOString()}</time></p>`;
}

function nothingBound({ leading, intended }: StatusSnapshot): string {
  return leading || intended
    ? 'No Service with direct access is known here.'
    : 'This replica follows, ready to take over: load balancers and drains are on the leader’s page.';
}

function intendedSection(intended: readonly IntendedStatus[]): Html {
  const rows = intended.map(
    ({ loadBalancer, change }) => html`<tr><td><code>${loadBalancer}</code></td><td>${change}</td></tr>`,
  );
  return html`<section><h2>What it would change in CLB now</h2>
<p>What TKE’s own controllers serve is taken as handed over to clb-direct (mode: skip).</p>
${table(['Load balancer', 'Change'], rows, 'Nothing: CLB is as Services and Pods ask for, as far as was read.')}</section>`;
}

function loadBalancerSection(loadBalancer: LoadBalancerStatus, nowMs: number): Html {
  const { id, vip, listeners, targets } = loadBalancer;
  const serving = targets.filter(target => target.state === 'Serving').length;
  const title = html`${vip} <code>${id}</code>`;
  const rows = targets.map(target => targetRow(target, nowMs));
  return html`<section><h2>${title}</h2><p>${listeners.join(', ')} · ${serving} of ${targets.length} targets serving</p>
${table(['Pod', 'Address', 'Listener', 'State', 'For', 'Waiting for'], rows, 'No target yet.')}</section>`;
}

function targetRow(target: TargetStatus, nowMs: number): Html {
  const { pod, address, listener, state, sinceMs, waitingFor } = target;
  return html`<tr><td>${pod}</td><td><code>${address}</code></td><td>${listener}</td><td class="state ${state}">${state}</td><td>${span(nowMs - sinceMs)}</td><td>${waitingFor}</td></tr>`;
}

function drainSection(drains: readonly DrainStatus[], nowMs: number): Html {
  const columns = ['Pod', 'Asked', 'Weight 0', 'Connections ended', 'Deregistered', 'Hook answered'];
  const rows = drains.map(drain => drainRow(drain, nowMs));
  return html`<section><h2>Recent drains</h2>
${table(columns, rows, 'No Pod was drained since this replica leads.')}</section>`;
}

/** Each step is given as time since the hook's call. */
function drainRow(drain: DrainStatus, nowMs: number): Html {
  const { pod, requestedMs, weightZeroMs, connectionsEndedMs, deregisteredMs, answeredMs } = drain;
  const steps = [weightZeroMs, connectionsEndedMs, deregisteredMs, answeredMs].map(
    atMs => html`<td>${atMs === undefined ? '–' : `+${span(atMs - requestedMs)}`}</td>`,
  );
  return html`<tr><td>${pod}</td><td>${span(nowMs - requestedMs)} ago</td>${steps}</tr>`;
}

function agentSection(agents: readonly AgentStatus[], nowMs: number): Html {
  const rows = agents.map(
    ({ node, pod, podCount, isBlind, connectedSinceMs, lastHeardMs, signs }) =>
      html`<tr><td>${node}</td><td>${pod}</td><td>${podCount ?? '–'}${isBlind ? ', not seen: no API server' : ''}</td><td>${span(nowMs - connectedSinceMs)}</td><td>${span(nowMs - lastHeardMs)} ago</td><td>${signs.join(', ')}</td></tr>`,
  );
  return html`<section><h2>Agents</h2>
${table(['Node', 'Agent', 'Pods', 'Connected for', 'Last heard', 'End announced by'], rows, 'No agent is connected.')}</section>`;
}

function agentlessSection({ agentlessNodes, isLossHeld, takenAtMs }: StatusSnapshot): Html {
  if (agentlessNodes.length === 0) return { markup: '' };
  const rows = agentlessNodes.map(
    ({ node, sinceMs, isWatched, isLost }) =>
      html`<tr><td>${node}</td><td>${span(takenAtMs - sinceMs)}</td><td>${isWatched ? 'from here' : 'not yet, or by the leader'}</td><td>${isLost ? 'lost: nobody reaches it' : ''}</td></tr>`,
  );
  const held = isLossHeld ? html`<p>Many agents fell silent together: no node is taken for lost.</p>` : [];
  return html`<section><h2>Nodes without an agent</h2>${held}
${table(['Node', 'For', 'Pods watched', 'Found'], rows, '')}</section>`;
}

function emptySection(title: string, text: string): Html {
  return html`<section><h2>${title}</h2><p class="empty">${text}</p></section>`;
}

function table(columns: readonly string[], rows: readonly Html[], emptyText: string): Html {
  if (rows.length === 0) return html`<p class="empty">${emptyText}</p>`;
  const rest = rows.length - ROWS_MAX;
  const header = columns.map(column => html`<th scope="col">${column}</th>`);
  return html`<div class="wide"><table><thead><tr>${header}</tr></thead><tbody>
${rows.slice(0, ROWS_MAX)}</tbody></table></div>${rest > 0 ? html`<p>and ${rest} more</p>` : []}`;
}

/** A duration a person reads at a glance: `840 ms`, `12.3 s`, `4 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function span(durationMs: number): string {
  const ms = Math.max(0, Math.round(durationMs));
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const [days, hours, minutes] = [Math.floor(ms / 86_400_000), Math.floor(ms / 3_600_000), Math.floor(ms / 60_000)];
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return `${minutes} min ${Math.floor(ms / 1_000) % 60} s`;
}
