import { expect, test } from 'vitest';
import { withMountedPaths } from './mount-paths.ts';

const MOUNTS = [
  { mountPath: '/var/run', directory: '/node/run' },
  { mountPath: '/var/run/token', directory: '/node/token' },
];

test.each([
  { text: '/var/run/token/value', expected: '/node/token/value' },
  { text: '--token-file=/var/run/token', expected: '--token-file=/node/token' },
  { text: '/var/run/other', expected: '/node/run/other' },
  { text: '/var/running', expected: '/var/running' },
  { text: 'see /var/run/token', expected: 'see /var/run/token' },
])('$text is found at $expected', ({ text, expected }) => {
  expect(withMountedPaths(text, MOUNTS)).toBe(expected);
});
