import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Environment } from './environment.ts';

/** Where things are when nobody says otherwise; the XDG base directories. */
export function defaultLocations(environment: Environment, home = homedir()): { readonly config: string; readonly data: string } {
  // The XDG rules: a relative path there is to be ignored.
  const base = (name: string, ...fallback: string[]) => {
    const set = environment[name];
    return set !== undefined && isAbsolute(set) ? set : join(home, ...fallback);
  };
  return {
    config: join(base('XDG_CONFIG_HOME', '.config'), 'tonearm', 'configuration.yaml'),
    data: join(base('XDG_DATA_HOME', '.local', 'share'), 'tonearm'),
  };
}
