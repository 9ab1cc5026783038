import { expect, test } from 'vitest';
import { kubePod } from '../../common/pods/pod.fixture.ts';
import { podProfile } from '../kube/pod-profile.ts';
import { PodProfiles } from './pod-profiles.ts';

test('Pods of one template share what is known of it, until each is forgotten', () => {
  const profiles = new PodProfiles();
  profiles.learn('pod-1', podProfile(kubePod()));
  profiles.learn('pod-2', podProfile(kubePod()));
  profiles.learn('pod-3', podProfile(kubePod({ spec: { terminationGracePeriodSeconds: 5 } })));
  expect(profiles.of('pod-2')).toBe(profiles.of('pod-1'));
  expect(profiles.of('pod-3')?.graceSeconds).toBe(5);
  profiles.forget('pod-1');
  expect(profiles.of('pod-1')).toBeUndefined();
  expect(profiles.of('pod-2')).toBeDefined();
});
