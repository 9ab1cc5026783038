import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { covers, differences } from './differences.ts';

/** As the README of the sandbox has them: a reason, and what shows it. */
function listed(): string[] {
  const byReason = Map.groupBy(differences, ({ reason }) => reason);
  return [...byReason].map(([reason, group]) => {
    const names = new Set(group.map(({ of }) => `\`${of}\``));
    return `| ${reason} | ${[...names].join(', ')} |`;
  });
}

test("the sandbox's README lists every difference and no other", () => {
  const readme = readFileSync(join(import.meta.dirname, '../../sandbox/README.md'), 'utf8');
  const [, section = ''] = /\| difference \| shown by \|\n\|---\|---\|\n((?:\|.*\n)*)/.exec(readme) ?? [];
  expect(section.trim().split('\n')).toEqual(listed());
});

test('a difference covers its path and what stands below, for what its stars leave open', () => {
  const difference = { of: 'list *s', path: 'body.*.spec', reason: '' };
  const isCovered = (of: string, path: string) => covers(difference, { of, path });
  expect(isCovered('list Pods', 'body.items.0.spec.volumes.0')).toBe(true);
  expect(isCovered('list Pods', 'body.items.0.spec')).toBe(true);
  expect(isCovered('list Pods', 'body.items.0.specification')).toBe(false);
  expect(isCovered('list a Pod', 'body.items.0.spec')).toBe(false);
});
