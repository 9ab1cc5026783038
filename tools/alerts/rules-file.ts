import { stringify } from 'yaml';
import { ALERTS, type Alert } from './alerts.ts';

const RUNBOOKS = 'docs/runbooks';
const HEADER = '# Made by `npm run dashboards` from tools/alerts/alerts.ts: change that, not this file.\n';

/** The rules as Prometheus and the Prometheus operator read them. */
export function rulesFile(): string {
  const groups = [{ name: 'clb-direct', rules: ALERTS.map(ruleOf) }];
  return HEADER + stringify({ groups }, { lineWidth: 0 });
}

/** Where the runbook stands in the repository. */
function runbookOf(alert: Pick<Alert, 'name'>): string {
  return `${RUNBOOKS}/${alert.name}.md`;
}

function ruleOf({ name, severity, expr, for: lasting, summary, description, ...rest }: Alert): object {
  const annotations = { summary, description, runbook: runbookOf({ name, ...rest }) };
  return { alert: name, expr, for: lasting, labels: { severity }, annotations };
}
