import { type InstanceNames, instanceNames } from './instance-names.ts';
import { HOOK_PORT } from './names.ts';
import { integer, OptionError, type OptionValues, text } from './options.ts';

/** Options of every process that has to know which instance it is of. */
export const INSTANCE_OPTIONS = {
  instance: text({
    description: 'name of a second clb-direct in this cluster; without it the one that serves objects without a class',
    placeholder: 'NAME',
    optional: true,
  }),
  hookPort: integer({
    description: 'the port that preStop hooks call, another one for each instance',
    default: HOOK_PORT,
    minimum: 1_024,
    maximum: 65_535,
  }),
};

/** @throws OptionError when the names would be those of another instance */
export function namesFrom({ instance, hookPort }: OptionValues<typeof INSTANCE_OPTIONS>): InstanceNames {
  try {
    return instanceNames({ name: instance ?? '', hookPort });
  } catch (error) {
    if (error instanceof RangeError) throw new OptionError(error.message);
    throw error;
  }
}
