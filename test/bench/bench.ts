import { execFileSync, spawnSync } from 'node:child_process';
import { decodeFigures, pathFigures } from './decoding.ts';
import { availabilityFigures } from './availability.ts';
import { changesFigures } from './changes.ts';
import { commandFigures } from './commands.ts';
import { latencyFigures, memoryFigures, startFigures } from './daemon.ts';
import { zoneFigures } from './zones.ts';

/** One measured number. `ok` is null where no goal was set; `peer` names what it is a ratio to. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: number | null;
  readonly peer: string | null;
}

export interface Bench {
  /** Names of the figures it yields. */
  readonly names: readonly string[];
  run(root: string): Promise<readonly Figure[]>;
}

const benches: readonly Bench[] = [startFigures, memoryFigures, changesFigures, latencyFigures, commandFigures, decodeFigures, pathFigures, availabilityFigures, zoneFigures];

/** Runs what was asked for, everything without a name. Resolves with the exit code: 1 when a goal was missed. */
export async function runBenches(root: string, names: readonly string[]): Promise<number> {
  const known = benches.flatMap((bench) => bench.names);
  const unknown = names.filter((name) => !known.some((each) => each.startsWith(name)));
  if (unknown.length > 0) {
    process.stderr.write(`There is no figure called ${unknown.join(', ')}. There are:\n${known.map((name) => `  ${name}\n`).join('')}`);
    return 64;
  }
  const wanted = (name: string) => names.length === 0 || names.some((each) => name.startsWith(each));
  let missed = 0;
  for (const bench of benches) {
    if (!bench.names.some(wanted)) continue;
    for (const figure of await bench.run(root)) {
      if (!wanted(figure.name)) continue;
      const ok = figure.goal === null ? null : figure.value <= figure.goal;
      if (ok === false) missed += 1;
      process.stdout.write(`${JSON.stringify({ name: figure.name, value: Number(figure.value.toFixed(2)), unit: figure.unit, goal: figure.goal, ok, peer: figure.peer })}\n`);
    }
  }
  return missed === 0 ? 0 : 1;
}

/** CPU seconds, user and system, that a command needs; null when it is not installed. */
export function cpuOf(command: string, args: readonly string[]): number | null {
  if (spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0) return null;
  const quoted = [command, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const text = execFileSync('bash', ['-c', `TIMEFORMAT='%U %S'; { time ${quoted} >/dev/null 2>&1; } 2>&1`]).toString();
  return text.trim().split(/\s+/).map(Number).reduce((sum, part) => sum + part, 0);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
