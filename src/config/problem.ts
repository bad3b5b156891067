import { TonearmError } from '#foundation';

/** Where a value comes from: a line of the file, or a variable of the environment. Lines and columns count from 1. */
export type Place = { readonly file: string; readonly line: number; readonly column: number } | { readonly variable: string };

export interface ConfigProblem {
  readonly place: Place;
  /** Dotted name of the setting, such as `zones[0].bitrate`; empty for the file as a whole. */
  readonly key: string;
  /** What is wrong, as a sentence without the key. */
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion: string | null;
}

export type Path = readonly (string | number)[];

/** `['zones', 0, 'name']` → `zones[0].name` */
export function formatPath(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

/** `configuration.yaml:3:5: zones[0].nmae: unknown key. Did you mean "name"?` */
export function formatProblem({ place, key, message, suggestion }: ConfigProblem): string {
  const where = 'variable' in place ? `environment variable ${place.variable}` : `${place.file}:${place.line}:${place.column}`;
  return `${where}: ${key === '' ? '' : `${key}: `}${message}${suggestion === null ? '' : ` Did you mean "${suggestion}"?`}`;
}

/** The configuration cannot be used. Holds every problem that was found, not only the first. */
export class ConfigError extends TonearmError {
  readonly problems: readonly ConfigProblem[];

  constructor(code: `config/${string}`, message: string, problems: readonly ConfigProblem[] = []) {
    super({ kind: 'invalid', code, message });
    this.problems = problems;
  }
}
