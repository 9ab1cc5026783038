import { expect, test } from 'vitest';
import { type CertificateFacts, type CertificateStep, nextStep } from './certificate-step.ts';

const TERMS = { authorityLifeMs: 900, servingLifeMs: 90, spreadMs: 10 };
const YOUNG = { notBeforeMs: 0, notAfterMs: 9_000 };
const DUE = { notBeforeMs: -9_000, notAfterMs: 1_100 };
const OVER = { notBeforeMs: -9_000, notAfterMs: 1_000 };
const AHEAD = { notBeforeMs: 1_001, notAfterMs: 9_000 };
const GOOD: CertificateFacts = {
  validity: { authority: YOUNG, serving: YOUNG, next: undefined },
  trustsReplaced: false,
  nowMs: 1_000,
  settledMs: 1_000,
};

const rows: [string, Partial<CertificateFacts>, CertificateStep][] = [
  ['are left alone while they are young', {}, 'none'],
  [
    'get a new serving certificate in its last third',
    { validity: { ...GOOD.validity, serving: DUE } },
    'renew-serving',
  ],
  ['get one at once when it has run out', { validity: { ...GOOD.validity, serving: OVER } }, 'renew-serving'],
  [
    'get one when it was made by a clock that is ahead',
    { validity: { ...GOOD.validity, serving: AHEAD } },
    'renew-serving',
  ],
  [
    'announce a CA in the last third of the present one',
    { validity: { ...GOOD.validity, authority: DUE } },
    'announce-authority',
  ],
  [
    'let the announced CA wait until it has spread',
    { validity: { authority: DUE, serving: YOUNG, next: YOUNG }, settledMs: 9 },
    'none',
  ],
  [
    'are still renewed by the old CA while the announced one spreads',
    { validity: { authority: DUE, serving: DUE, next: YOUNG }, settledMs: 9 },
    'renew-serving',
  ],
  [
    'let the announced CA sign once it has spread',
    { validity: { authority: DUE, serving: DUE, next: YOUNG }, settledMs: 10 },
    'switch-authority',
  ],
  [
    'let the announced CA sign at once when the old one has run out',
    { validity: { authority: OVER, serving: OVER, next: YOUNG }, settledMs: -1 },
    'switch-authority',
  ],
  [
    'announce another CA when the announced one has run out',
    { validity: { authority: DUE, serving: YOUNG, next: OVER } },
    'announce-authority',
  ],
  ['start over when no CA is left', { validity: { authority: OVER, serving: YOUNG, next: undefined } }, 'start-over'],
  [
    'start over when the CA is of the future',
    { validity: { authority: AHEAD, serving: AHEAD, next: undefined } },
    'start-over',
  ],
  ['keep a replaced CA trusted until its successor has spread', { trustsReplaced: true, settledMs: 9 }, 'none'],
  ['retire a replaced CA then', { trustsReplaced: true, settledMs: 10 }, 'retire-replaced'],
];

test.each(rows)('certificates %s', (_name, facts, step) => {
  expect(nextStep({ ...GOOD, ...facts }, TERMS)).toBe(step);
});
