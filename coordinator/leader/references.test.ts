import { expect, test } from 'vitest';
import { References } from './references.ts';

test('users of a name are those that named it last', () => {
  const references = new References();
  references.set('front', new Set(['Service web', 'Secret a']));
  references.set('back', new Set(['Service web']));
  expect([...references.usersOf('Service web')]).toEqual(['front', 'back']);
  references.set('front', new Set(['Secret b']));
  expect([...references.usersOf('Service web')]).toEqual(['back']);
  expect([...references.usersOf('Secret a')]).toEqual([]);
  expect([...references.usersOf('Secret b')]).toEqual(['front']);
  references.set('back', new Set());
  expect([...references.usersOf('Service web')]).toEqual([]);
});
