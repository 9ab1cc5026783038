import { judge } from './judgement.ts';
import type { CaseResult, KillCase } from './kill-case.ts';
import { openStage, type StageOptions } from './stage.ts';

/** Plays a case on a stage of its own, and judges it; never rejects. What did not come up or recover is a problem, too. */
export async function playCase(killCase: KillCase, options: StageOptions, signal: AbortSignal): Promise<CaseResult> {
  try {
    await using stage = await openStage(options, signal);
    const playing = Promise.race([killCase.perform(stage, signal), stage.sandbox.failed]);
    const failure = await playing.then(
      () => undefined,
      (error: unknown) => textOf(error),
    );
    const reports = await stage.finish();
    const result = judge(killCase, { ...stage, reports, evidence: await stage.evidence() });
    const problems = failure === undefined ? result.problems : [failure, ...result.problems];
    if (problems.length === 0) return result;
    stage.keepFolder();
    return { ...result, problems: [...problems, `its logs are in ${stage.sandbox.folder}`] };
  } catch (error) {
    return { killCase, sent: 0, lost: 0, recoveries: [], problems: [textOf(error)] };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
