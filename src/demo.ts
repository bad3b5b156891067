#!/usr/bin/env node
/** The demo: a cloud, a speaker and a phone on this machine, without an account and without a network. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
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
const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { check: { type: 'boolean' }, output: { type: 'string', default: 'auto' }, log: { type: 'string', default: 'warn' }, help: { type: 'boolean', short: 'h' } },
  });
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
  let note = '';
  await using stage = await openDemoStage({
    music,
    version,
    output: { kind: values.output },
    logLevel,
    write: (line) => (note = line.trimEnd()),
  } satisfies StageOptions);
  await begin(stage);
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    process.stdout.write('The demo is driven by keys and needs a terminal. Without one, use “npm run demo -- --check”.\n');
    return 1;
  }
  await play(stage, () => note);
  return 0;
}

async function begin({ phone, playlist }: DemoStage): Promise<void> {
  const found = await phone.discover({ name: speakerName, signal: AbortSignal.timeout(10_000) });
  await phone.pair(found.url);
  await phone.until(() => [...phone.devices.values()].some(({ name }) => name === speakerName), AbortSignal.timeout(10_000));
  await phone.play(playlist);
}

function play(stage: DemoStage, note: () => string): Promise<void> {
  const { stdin, stdout } = process;
  let height = 0;
  const draw = () => {
    const lines = drawScreen(viewOf(stage, note()), stdout.columns || 80);
    stdout.write(`${height > 0 ? `\x1b[${height}A` : ''}${lines.map((line) => `\x1b[2K${line}\n`).join('')}`);
    height = lines.length;
  };
  return new Promise((resolve) => {
    const timer = setInterval(draw, 250);
    const end = () => {
      clearInterval(timer);
      stdin.setRawMode(false);
      stdin.pause();
      stdin.removeListener('data', onKey);
      stdout.write('\x1b[?25h');
      resolve();
    };
    const onKey = (key: Buffer) => {
      const text = key.toString();
      if (text === 'q' || text === '\x03') end();
      // A command the speaker declines is no reason to end the demo; the screen shows how things are.
      else void press(stage, text).then(draw, draw);
    };
    stdout.write('\x1b[?25l');
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on('data', onKey);
    draw();
  });
}

async function press({ phone, playlist }: DemoStage, key: string): Promise<void> {
  const state = phone.cluster.playerState;
  const level = phone.active?.volume ?? 0;
  switch (key) {
    case ' ':
      if (!state?.isPlaying) await phone.play(playlist);
      else if (state.isPaused) await phone.resume();
      else await phone.pause();
      return;
    case 'n':
      await phone.next();
      return;
    case 'p':
      await phone.previous();
      return;
    case '\x1b[C':
      await phone.seek(Math.min(phone.position + 10_000, (state?.duration ?? 0) - 1000));
      return;
    case '\x1b[D':
      await phone.seek(Math.max(0, phone.position - 10_000));
      return;
    case '+':
    case '=':
      await phone.setVolume(Math.min(65_535, level + 3277));
      return;
    case '-':
      await phone.setVolume(Math.max(0, level - 3277));
      return;
    case 's':
      await phone.shuffle(!(state?.options?.shufflingContext ?? false));
      return;
    case 'r': {
      const mode = repeatOf(state?.options ?? null);
      await phone.repeat(mode === 'off' ? 'context' : mode === 'context' ? 'track' : 'off');
      return;
    }
    default:
      return;
  }
}

function repeatOf(options: { readonly repeatingContext: boolean; readonly repeatingTrack: boolean } | null): ScreenView['repeat'] {
  return options?.repeatingTrack === true ? 'track' : options?.repeatingContext === true ? 'context' : 'off';
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
    repeat: repeatOf(state?.options ?? null),
    next: next ? (cloud.catalogue.byUri(next.uri)?.title ?? null) : null,
    mqtt: tonearm.mqtt ?? 'off',
    note,
  };
}

process.exitCode = await main();
// The phone's sockets may linger; nothing of the demo is worth waiting for.
setTimeout(() => process.exit(), 500).unref();
