import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock, silentLog, type TonearmError } from '#foundation';
import type { DeckEvents, Playable } from '#core';
import { HttpWorld } from '../bytes/index.ts';
import { Engine } from '../thread/engine.ts';
import { OutputSlot } from '../thread/output-slot.ts';
import type { ThreadEvent } from '../wire/index.ts';
import { RecordingOutput } from './recording-output.ts';

type News = { [Name in ThreadEvent]: { readonly name: Name } & DeckEvents[Name] }[ThreadEvent];

/** An engine on a fake clock, with an output that remembers, and everything it said. */
export interface EngineBench extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly engine: Engine;
  readonly news: News[];
  readonly outputs: RecordingOutput[];
  /** The newest output. */
  readonly output: () => RecordingOutput;
  /** Lets so many milliseconds of fake time pass, and real reading be done in between. */
  pass(milliseconds: number): Promise<void>;
  /** Lets time pass until something of this name was said; fails after 60 s. */
  until<Name extends ThreadEvent>(name: Name, id?: string): Promise<DeckEvents[Name]>;
  /** What was said since the last call, as `name id`. */
  said(): string[];
  file(bytes: Buffer, format: Playable['format'], more?: Partial<Playable>): Promise<Playable>;
}

export async function openEngineBench(options: { readonly openFails?: () => TonearmError | null; readonly releaseAfter?: number } = {}): Promise<EngineBench> {
  const folder = await mkdtemp(join(tmpdir(), 'tonearm-test-'));
  const clock = new FakeClock();
  const http = new HttpWorld(clock, silentLog);
  const outputs: RecordingOutput[] = [];
  const slot = new OutputSlot((rate) => {
    const trouble = options.openFails?.();
    if (trouble) return Promise.reject(trouble);
    const output = new RecordingOutput(clock, rate);
    outputs.push(output);
    return Promise.resolve(output);
  });
  const news: News[] = [];
  const engine = new Engine({ clock, log: silentLog, http, slot, releaseAfter: options.releaseAfter ?? 10_000 }, (name, event) => news.push({ name, ...event } as News));
  let files = 0;
  let told = 0;
  let searched = 0;
  const pass = async (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= 20) {
      await clock.advance(Math.min(20, left));
      // A way through the thread pool, behind the reads that are under way.
      await stat(folder);
      await stat(folder);
    }
  };
  return {
    clock,
    engine,
    news,
    outputs,
    output: () => outputs[outputs.length - 1] as RecordingOutput,
    pass,
    async until(name, id) {
      for (let waited = 0; waited < 60_000; waited += 20) {
        for (; searched < news.length; searched++) {
          const item = news[searched];
          if (item?.name === name && (id === undefined || item.id === id)) {
            searched += 1;
            return item as never;
          }
        }
        await pass(20);
      }
      throw new Error(`'${name}' was not said; but ${JSON.stringify(news)}`);
    },
    said() {
      const fresh = news.slice(told).map(({ name, id }) => `${name} ${id}`);
      told = news.length;
      return fresh;
    },
    async file(bytes, format, more = {}) {
      const path = join(folder, String(files++));
      await writeFile(path, bytes);
      return { track: track(), bytes: { file: path }, format, ...more };
    },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      http[Symbol.dispose]();
      await rm(folder, { recursive: true });
    },
  };
}

export function track(duration = 0): Playable['track'] {
  return { uri: 'test:tune', kind: 'file', title: 'Tune', artists: [], album: '', duration, covers: [], explicit: false };
}
