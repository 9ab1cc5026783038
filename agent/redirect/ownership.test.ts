import { expect, test } from 'vitest';
import type { RuleOwner, StandingRule } from './hook-redirect.ts';
import { nextStep, type Ownership, type OwnershipStep } from './ownership.ts';

const self = { stamp: 200, incarnation: 'b' };
const older = { stamp: 100, incarnation: 'a' };
const younger = { stamp: 300, incarnation: 'c' };
const PORTS = { served: 4_003, deserted: 4_009 };

const ruleOf = (owner: RuleOwner, overrides: Partial<StandingRule> = {}): StandingRule => ({
  owner,
  agentPort: PORTS.served,
  addresses: ['10.0.0.5'],
  fingerprint: 'intact',
  ...overrides,
});
const waiting: Ownership = { type: 'waiting' };
const owning: Ownership = { type: 'owner', owner: self, standing: ruleOf(self) };
const superseded: Ownership = { type: 'superseded', agentPort: PORTS.served };
const keep: OwnershipStep = { type: 'keep' };
const repair: OwnershipStep = { type: 'write', why: 'repair', owner: self };
const takeOver = (stamp: number): OwnershipStep => ({ type: 'write', why: 'take-over', owner: { ...self, stamp } });

test.each<[string, Ownership, StandingRule | undefined, OwnershipStep]>([
  ['an agent that is ready takes over a node without a rule', waiting, undefined, takeOver(200)],
  ['it takes over from its predecessor', waiting, ruleOf(older), takeOver(200)],
  ['it is the younger one though the clock was set back', waiting, ruleOf(younger), takeOver(301)],
  ['an owner keeps what stands as it was left', owning, ruleOf(self), keep],
  ['an owner repairs what was flushed', owning, undefined, repair],
  ['an owner repairs what was edited', owning, ruleOf(self, { fingerprint: 'edited' }), repair],
  ['an owner repairs what lacks a Pod', owning, ruleOf(self, { addresses: [] }), repair],
  ['an owner takes the rule back from an older agent', owning, ruleOf(older), repair],
  ['an owner yields to a younger agent', owning, ruleOf(younger), { type: 'yield', agentPort: PORTS.served }],
  ['a superseded agent leaves a rule alone that leads to an agent', superseded, ruleOf(younger), keep],
  ['it leaves the repair of a flushed rule to the agent that serves', superseded, undefined, keep],
  [
    'it takes the rule back from an agent that listens no more',
    superseded,
    ruleOf(younger, { agentPort: PORTS.deserted }),
    takeOver(301),
  ],
])('%s', (_, ownership, standing, expected) => {
  expect(nextStep(ownership, { standing, isServed: port => port === PORTS.served, self })).toEqual(expected);
});

test('of two agents of one stamp only one yields', () => {
  const twin = { stamp: self.stamp, incarnation: 'a' };
  const view = { isServed: () => true };
  expect(nextStep(owning, { ...view, standing: ruleOf(twin), self })).toEqual(repair);
  const twinOwning: Ownership = { type: 'owner', owner: twin, standing: ruleOf(twin) };
  expect(nextStep(twinOwning, { ...view, standing: ruleOf(self), self: twin }).type).toBe('yield');
});
