import type { KillCase } from '../kill-case.ts';
import { agentAbsent } from './agent-absent.ts';
import { agentKilled } from './agent-killed.ts';
import { agentsKilled } from './agents-killed.ts';
import { apiStopped, leaderApart } from './api-away.ts';
import { applicationKilled } from './application-killed.ts';
import { clbRefuses } from './clb-refuses.ts';
import { coordinatorsKilled } from './coordinators-killed.ts';
import { coordinatorsRestarted } from './coordinators-restarted.ts';
import { drainRefused, drainUnheard } from './drain-given-up.ts';
import { leaderFrozen } from './leader-frozen.ts';
import { leaderKilled } from './leader-killed.ts';
import { agentsReset, agentsSilent, clbReset, clbSilent } from './links-cut.ts';

export const ALL_CASES: readonly KillCase[] = [
  leaderKilled,
  leaderFrozen,
  leaderApart,
  agentKilled,
  agentAbsent,
  agentsKilled,
  coordinatorsKilled,
  coordinatorsRestarted,
  agentsReset,
  agentsSilent,
  clbReset,
  clbSilent,
  clbRefuses,
  apiStopped,
  drainUnheard,
  drainRefused,
  applicationKilled,
];
