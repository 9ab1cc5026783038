import type { ChartValue } from './chart-values.ts';

const MADE = '<!-- Made of values.yaml by `npm run chart-docs`. -->';

/** The chart's README: what it is, and a table of all values. @throws Error that names a value without a description. */
export function chartReadme(chart: { readonly description: string }, values: readonly ChartValue[]): string {
  return `${MADE}
# clb-direct

${chart.description}

\`\`\`
helm install clb-direct charts/clb-direct --namespace clb-direct --create-namespace \\
  --set cloud.region=ap-guangzhou --set cloud.vpcId=vpc-1a2b3c4d --set cloud.credentials.existingSecret=clb-direct-key
\`\`\`

[docs/install.md](../../docs/install.md) goes through it step by step: permissions, TKE and self-built clusters, a check that it works, upgrade, removal.
Unknown keys and wrong types are refused by values.schema.json.

${values.map(section).join('\n')}`;
}

function section(value: ChartValue): string {
  const rows = leaves(value).map(row);
  const description = value.description === '' ? '' : `${value.description}\n\n`;
  return `## ${value.path}\n\n${description}| value | default | what it does |\n|---|---|---|\n${rows.join('\n')}\n`;
}

/** The values of a group, those of its groups among them; a value that stands alone is its own. */
function leaves(value: ChartValue): readonly ChartValue[] {
  return value.kind === 'value' ? [value] : value.children.flatMap(leaves);
}

function row({ path, line, defaultValue, description, schema }: ChartValue): string {
  if (description === '') throw new Error(`values.yaml:${line} ${path} has no comment that says what it does`);
  const choices = Array.isArray(schema.enum) ? ` One of ${schema.enum.map(word => `\`${word}\``).join(', ')}.` : '';
  return `| \`${path}\` | \`${JSON.stringify(defaultValue)}\` | ${`${description}${choices}`.replaceAll('|', '\\|')} |`;
}
