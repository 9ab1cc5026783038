import type { CheckResult } from './check.ts';

/** A row for each check, the remedy of a miss below it. */
export function checkTable(results: readonly CheckResult[]): string {
  const nameWidth = Math.max(...results.map(({ name }) => name.length));
  const indent = ' '.repeat(nameWidth + STATE_WIDTH + 4);
  const row = (result: CheckResult) =>
    `${result.name.padEnd(nameWidth)}  ${stateOf(result).padEnd(STATE_WIDTH)}  ${linesOf(result).join(`\n${indent}`)}`;
  return [...results.map(row), '', summary(results)].join('\n');
}

const STATE_WIDTH = 'MISSING'.length;

function stateOf({ finding, without }: CheckResult): string {
  if (finding.type === 'found') return 'ok';
  return without === undefined ? 'MISSING' : 'without';
}

function linesOf({ finding, without }: CheckResult): string[] {
  if (finding.type === 'found') return [oneLine(finding.what)];
  const remedy = `remedy: ${oneLine(finding.remedy)}`;
  return [oneLine(finding.cause), ...(without === undefined ? [remedy] : [`so ${without}; ${remedy}`])];
}

/** What programs and servers say may have many. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function summary(results: readonly CheckResult[]): string {
  const missing = results.filter(({ finding }) => finding.type === 'missing');
  const needed = missing.filter(({ without }) => without === undefined).length;
  const optional = missing.length - needed;
  if (missing.length === 0) return 'The agent has all it can use on this node.';
  if (needed === 0) return `The agent works on this node, without ${optional} of what it could use.`;
  return `The agent misses ${needed} of what it needs on this node${optional > 0 ? `, and ${optional} of what it could use` : ''}.`;
}
