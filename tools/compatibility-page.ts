import type { CompatibilityRow } from '../coordinator/manifests/compatibility-row.ts';

const KINDS: readonly CompatibilityRow['on'][] = ['Service', 'Ingress', 'Secret', 'Pod', 'TkeServiceConfig'];

const INTRODUCTION = `# Compatibility with TKE

What users of TKE's own controllers write in their manifests, and what clb-direct makes of it. This page is made by
\`npm run compatibility\` from the table in \`coordinator/manifests/\`; every line names the test that proves it.

- **done**: it does what TKE makes it do.
- **refused**: an Event on the object names it and says what to do; the rest of the object is served.
- **read-only**: written by the controller, never read as a wish.
- **ignored**: nothing follows from it, and nothing has to.

The tests run against the sandbox's CLB, which follows Tencent Cloud's published API. Nothing on this page was tried on Tencent
Cloud itself, nor beside TKE's own controllers: what those leave behind on a hand-over is as their documents and published
objects show it.
`;

/** docs/compatibility.md */
export function compatibilityPage(rows: readonly CompatibilityRow[]): string {
  const sections = KINDS.flatMap(kind => {
    const own = rows.filter(({ on }) => on === kind);
    return own.length === 0 ? [] : [`## ${kind}\n\n${table(own)}\n`];
  });
  return [INTRODUCTION, ...sections].join('\n');
}

function table(rows: readonly CompatibilityRow[]): string {
  const lines = rows.map(({ key, since = '', status, what, insteadUse, test }) => {
    const advice = insteadUse === undefined ? what : `${what} Instead: ${insteadUse}`;
    return [`\`${key}\``, since, `**${status}**`, advice, test];
  });
  const cells = [
    ['what is written', 'since', '', 'what happens', 'proven by'],
    ['---', '---', '---', '---', '---'],
    ...lines,
  ];
  return cells.map(line => `| ${line.map(escaped).join(' | ')} |`).join('\n');
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|');
}
