import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clusterSettings, nodeNames, nodeNumber } from './settings.ts';

describe('clusterSettings', () => {
  test('stands for three nodes when nothing is said', () => {
    expect(nodeNames(clusterSettings({}))).toEqual(['node1', 'node2', 'node3']);
  });

  test('keeps the files of differently named clusters apart', () => {
    expect(clusterSettings({ name: 'one' }).workFolder).not.toBe(clusterSettings({ name: 'two' }).workFolder);
  });

  test('never takes a folder that was there under the same name', () => {
    expect(dirname(clusterSettings({ name: 'mine' }).workFolder)).not.toBe(tmpdir());
  });

  test.each(['0', '10', '1.5', 'many', ''])('refuses "%s" nodes and says so', nodes => {
    expect(() => clusterSettings({ nodes })).toThrow(`--nodes "${nodes}": use a whole number from 1 to 9`);
  });

  test.each(['', 'Upper', '../up', '-dash', 'a'.repeat(32)])('refuses the name "%s" and says so', name => {
    expect(() => clusterSettings({ name })).toThrow(`--name "${name}": use at most 31`);
  });
});

test.each(['node0', 'node10', 'host', ''])('nodeNumber takes "%s" for a programming error', node => {
  expect(() => nodeNumber(node)).toThrow('is not a node name');
});
