import { expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { SecretLook } from '../kube/secret-reader.ts';
import { CertificateShelf } from './certificate-shelf.ts';

const SECRET = { namespace: 'shop', name: 'certificate' };
const FOUND: SecretLook = { kind: 'found', certificateId: 'cert-a', authorityId: '' };

function shelf() {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const made = new CertificateShelf({ clock, ports: { readSecret: ({ name }) => asked.push(name) } });
  return { clock, asked, made };
}

test('a Secret is asked for once, and again while it is in use', async () => {
  const { clock, asked, made } = shelf();
  expect([made.of(SECRET), made.of(SECRET)]).toEqual([undefined, undefined]);
  expect(asked).toEqual(['certificate']);
  expect([made.learn(SECRET, FOUND), made.learn(SECRET, FOUND)]).toEqual([true, false]);
  expect(made.of(SECRET)).toEqual(FOUND);
  made.askAgain(() => true);
  expect(asked).toHaveLength(1);
  await clock.advance(30_000);
  made.askAgain(() => true);
  expect(asked).toHaveLength(2);
  expect(made.of(SECRET)).toEqual(FOUND);
});

test('a missing one is asked for again soon, then ever more rarely, and rarely once it is found', async () => {
  const { clock, asked, made } = shelf();
  made.of(SECRET);
  made.learn(SECRET, { kind: 'absent' });
  const askedWithin = async (seconds: number) => {
    const before = asked.length;
    for (let second = 0; second < seconds; second += 1) {
      await clock.advance(1_000);
      made.askAgain(() => true);
    }
    return asked.length - before;
  };
  expect(await askedWithin(1)).toBe(1);
  expect(await askedWithin(6)).toBe(2);
  expect(await askedWithin(300)).toBeLessThan(14);
  made.learn(SECRET, FOUND);
  expect(await askedWithin(29)).toBeLessThanOrEqual(1);
});

test('one that nobody uses any more is forgotten', async () => {
  const { clock, asked, made } = shelf();
  made.of(SECRET);
  made.learn(SECRET, FOUND);
  await clock.advance(30_000);
  made.askAgain(() => false);
  expect(asked).toHaveLength(1);
  expect(made.of(SECRET)).toBeUndefined();
});

test.each(['', '..', 'Upper', 'a/b'])('%j names no Secret, and is not asked for', name => {
  const { asked, made } = shelf();
  expect(made.of({ namespace: 'shop', name })).toEqual({ kind: 'absent' });
  expect(asked).toEqual([]);
});
