import { probeOutput } from './open-output.ts';
import type { OutputWorld } from './output-world.ts';
import type { Release } from './release.ts';
import type { ConcreteOutput, OutputSettings } from './settings.ts';

export interface OutputChoice {
  readonly settings: ConcreteOutput;
  /** For people: why this one. */
  readonly why: string;
}

/** An output that has not answered by then counts as not working. */
const patience = 5000;

const candidates = (release: Release): readonly ConcreteOutput[] => [
  { kind: 'speaker', release },
  { kind: 'aplay', buffer: 500, release },
  { kind: 'pacat', buffer: 500, release },
];

/**
 * What `auto` means here: the first of speaker, aplay, pacat that can open its default device, else one whose device is only occupied,
 * else silence in real time.
 * Anything else is taken as configured, without a try: it may come to life later.
 */
export async function chooseOutput(settings: OutputSettings, world: OutputWorld): Promise<OutputChoice> {
  if (settings.kind !== 'auto') return { settings, why: 'It is configured so.' };
  const reasons: string[] = [];
  let occupied: ConcreteOutput | null = null;
  for (const candidate of candidates(settings.release)) {
    const reason = await probe(candidate, world);
    if (reason === null) {
      const passedOver = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
      return { settings: candidate, why: `It is the first that works here${passedOver}.` };
    }
    reasons.push(`${candidate.kind}: ${reason}`);
    if (/busy/i.test(reason)) occupied ??= candidate;
  }
  if (occupied) return { settings: occupied, why: `Its device is there, but another program has it now (${reasons.join('; ')}). It is opened when music is due.` };
  return { settings: { kind: 'null', delay: 0 }, why: `No sound device works here (${reasons.join('; ')}). Music plays in silence until one is set up and Tonearm is started again.` };
}

async function probe(candidate: ConcreteOutput, world: OutputWorld): Promise<string | null> {
  const limit = new AbortController();
  const timer = world.clock.timer(patience, () => limit.abort());
  try {
    return await probeOutput(candidate, world, limit.signal);
  } finally {
    timer[Symbol.dispose]();
  }
}

