#!/usr/bin/env node
/** The demo: a cloud, a speaker and a phone on this machine, without an account and without a network. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Hand, parseKeys, repeatOf } from './demo/keys.ts';
import { drawScreen, type ScreenView } from './demo/screen.ts';
import { openDemoStage, speakerName, type DemoStage, type StageOptions } from './demo/stage.ts';

const help = `npm run demo: hear Tonearm without an account and without a network.

Options (after --):
  --check          play unattended, compare phone, MQTT and sound, exit with 1 if anything failed
  --output KIND    auto (default), speaker, aplay, pacat or null
  --log LEVEL      trace, debug, info, warn (default) or error
  --help
`;

const music = fileURLToPath(new URL('./music', import.meta.url));
const version = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
const outputs: readonly string[] = ['auto', 'speaker', 'aplay', 'pacat', 'null'];
const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;

async function main(): Promise<number> {
  const values = readArguments();
  if (typeof values === 'string') {
    process.stderr.write(`${values}\n\n${help}`);
    return 2;
  }
  if (values.help === true) {
    process.stdout.write(help);
    return 0;
  }
  const logLevel = levels.find((level) => level === values.log) ?? 'warn';
  if (!existsSync(music)) {
    process.stderr.write('The music of the demo has not been rendered. Start it with “npm run demo”, which does that first.\n');
    return 1;
  }
  if (values.check === true) {
    const { runCheck } = await import('./demo/check.ts');
    const say = (line: string) => void process.stdout.write(`${line}\n`);
    return (await runCheck({ music, version, logLevel, write: (line) => void process.stderr.write(line) }, say)) === 0 ? 0 : 1;
  }
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    process.stderr.write('The demo is driven by keys and needs a terminal. Without one, use “npm run demo -- --check”.\n');
    return 1;
  }
  process.stdout.write('The cloud, the speaker and the phone are starting …\n');
  let note = '';
  await using stage = await openDemoStage({
    music,
    version,
    output: { kind: values.output },
    logLevel,
    write: (line) => (note = line.trimEnd()),
  } satisfies StageOptions);
  await begin(stage);
  await play(stage, () => note);
  return 0;
}

/** What was asked for, or what is wrong with it. */
function readArguments() {
  try {
    const { values } = parseArgs({
      options: { check: { type: 'boolean' }, output: { type: 'string', default: 'auto' }, log: { type: 'string', default: 'warn' }, help: { type: 'boolean', short: 'h' } },
    });
    if (!outputs.includes(values.output)) return `--output takes ${outputs.join(', ')}; not “${values.output}”.`;
    if (!levels.some((level) => level === values.log)) return `--log takes ${levels.join(', ')}; not “${values.log}”.`;
    return values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function begin({ phone, playlist }: DemoStage): Promise<void> {
  const found = await phone.discover({ name: speakerName, signal: AbortSignal.timeout(10_000) });
  await phone.pair(found.url);
  await phone.until(() => [...phone.devices.values()].some(({ name }) => name === speakerName), AbortSignal.timeout(10_000));
  await phone.play(playlist);
}

function play(stage: DemoStage, note: () => string): Promise<void> {
  const { stdin, stdout } = process;
  const hand = new Hand(stage);
  let height = 1; // the line that said that it starts
  const draw = () => {
    const lines = drawScreen(viewOf(stage, note()), stdout.columns || 80);
    stdout.write(`\x1b[${height}A${lines.map((line) => `\x1b[2K${line}\n`).join('')}`);
    height = lines.length;
  };
  const showCursor = () => void stdout.write('\x1b[?25h');
  return new Promise((resolve) => {
    const timer = setInterval(draw, 250);
    let isOver = false;
    const end = () => {
      isOver = true;
      clearInterval(timer);
      stdin.setRawMode(false);
      stdin.pause();
      stdin.removeListener('data', onKeys);
      process.removeListener('exit', showCursor);
      showCursor();
      resolve();
    };
    const onKeys = (text: Buffer) => {
      for (const key of parseKeys(text.toString())) {
        if (key === 'quit') {
          end();
          return;
        }
        void hand.press(key).then(() => {
          if (!isOver) draw();
        });
      }
    };
    // However it ends, the terminal stays usable.
    process.once('exit', showCursor);
    stdout.write('\x1b[?25l');
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on('data', onKeys);
    draw();
  });
}

function viewOf({ phone, tonearm, cloud }: DemoStage, note: string): ScreenView {
  const state = phone.cluster.playerState;
  const metadata = phone.track?.metadata ?? {};
  const isHere = phone.active?.name === speakerName;
  const next = state?.nextTracks.find(({ uri }) => uri.startsWith('spotify:track:'));
  return {
    speaker: speakerName,
    output: tonearm.outputs.get('kitchen') ?? '?',
    title: isHere ? (metadata['title'] ?? null) : null,
    artist: metadata['artist_name'] ?? '',
    album: metadata['album_title'] ?? '',
    status: phone.active === null ? 'nothing' : !isHere ? 'elsewhere' : state?.isBuffering ? 'loading' : state?.isPaused ? 'paused' : 'playing',
    position: phone.position,
    duration: state?.duration ?? 0,
    volume: (phone.active?.volume ?? 0) / 65_535,
    shuffle: state?.options?.shufflingContext ?? false,
    repeat: repeatOf(state?.options),
    next: next ? (cloud.catalogue.byUri(next.uri)?.title ?? null) : null,
    mqtt: tonearm.mqtt ?? 'off',
    note,
  };
}

process.exitCode = await main();
// The phone's sockets may linger; nothing of the demo is worth waiting for.
setTimeout(() => process.exit(), 500).unref();
