import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MqttClient } from 'mqtt';
import { Scope, sleep, systemClock } from '#foundation';
import { pieces } from '#simulator';
import type { Cluster } from '#spotify/wire';
import { gainOf } from '#zones';
import { decodeReference, Ear, locate, makeFifo } from './ear.ts';
import { openDemoStage, speakerName, type DemoStage, type StageOptions } from './stage.ts';

const rate = 44_100;
const window = 8192;
const patience = 8000;

interface Mirror {
  readonly state: string;
  readonly title: string;
  readonly volume: number;
  readonly shuffle: string;
  readonly repeat: string;
}

/** A claim that did not hold: what was expected, and what was there instead. */
class Mismatch extends Error {}

/**
 * Plays the demo unattended: for each step the phone's picture, the retained MQTT state and the samples at the end of the wire must agree.
 * Resolves with the number of steps that failed.
 */
export async function runCheck(options: Omit<StageOptions, 'output'>, say: (line: string) => void): Promise<number> {
  const scope = new Scope();
  let failed = 0;
  const began = systemClock.monotonic();
  const step = async (what: string, work: () => Promise<string | undefined>) => {
    try {
      const seen = await work();
      say(`ok      ${what}${seen === undefined ? '' : `  (${seen})`}`);
    } catch (error) {
      failed += 1;
      say(`FAILED  ${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  try {
    const references = new Map<string, Int16Array>();
    for (const piece of pieces) references.set(piece.title, await decodeReference(await readFile(join(options.music, piece.file))));

    let fifo = '';
    const stage = scope.use(
      await openDemoStage({ ...options, output: {} }, async (folder) => {
        fifo = join(folder, 'sound');
        await makeFifo(fifo);
        return { kind: 'pipe', path: fifo };
      }),
    );
    const ear = scope.use(new Ear(fifo));
    const mirror = scope.use(await openMirror(stage));
    const witness = new Witness(stage, ear, mirror, references);
    await steps(stage, witness, ear, step);
    await step('the cloud found nothing to refuse', () => {
      const { refusals } = stage.cloud;
      if (refusals.length > 0) throw new Mismatch(refusals.map(({ clause, what }) => `${clause}: ${what}`).join('; '));
      return Promise.resolve(undefined);
    });
  } catch (error) {
    failed += 1;
    say(`FAILED  the stage: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    await scope[Symbol.asyncDispose]().catch((error: unknown) => {
      failed += 1;
      say(`FAILED  closing: ${String(error)}`);
    });
  }
  say(`${failed === 0 ? 'All of it worked' : `${failed} step(s) failed`}, in ${((systemClock.monotonic() - began) / 1000).toFixed(1)} s.`);
  return failed;
}

type Step = (what: string, work: () => Promise<string | undefined>) => Promise<void>;

async function steps({ phone, playlist, cloud }: DemoStage, witness: Witness, ear: Ear, step: Step): Promise<void> {
  const [first = '', second = '', , fourth = ''] = pieces.map(({ title }) => title);
  await step('the phone finds the speaker by mDNS and pairs with it', async () => {
    const found = await phone.discover({ name: speakerName, signal: AbortSignal.timeout(patience) });
    const outcome = await phone.pair(found.url);
    if (!outcome.isOk) throw new Mismatch(`the speaker answered ${JSON.stringify(outcome.answer)}`);
    await phone.until(() => [...phone.devices.values()].some(({ name }) => name === speakerName), AbortSignal.timeout(patience));
    return found.url;
  });
  await step('play: phone, MQTT and ear agree', async () => {
    await phone.play(playlist);
    return await witness.agrees({ title: first, state: 'playing' });
  });
  await step('pause: silence, everywhere', async () => {
    await phone.pause();
    return await witness.isSilent('paused');
  });
  await step('seek to 20 s and resume: the sound is there', async () => {
    await phone.seek(20_000);
    ear.forget();
    await phone.resume();
    return await witness.agrees({ title: first, state: 'playing', near: 20_000 });
  });
  await step('next: the second track', async () => {
    await phone.next();
    return await witness.agrees({ title: second, state: 'playing' });
  });
  await step('previous: the first again', async () => {
    await phone.previous();
    return await witness.agrees({ title: first, state: 'playing' });
  });
  await step('volume from the phone: MQTT says so, samples are scaled', async () => {
    await phone.setVolume(45_875);
    return await witness.agrees({ title: first, state: 'playing', volume: 70 });
  });
  await step('volume over MQTT: the phone sees it, samples are untouched again', async () => {
    await witness.send('volume', '100');
    await phone.until(() => phone.active?.volume === 65_535, AbortSignal.timeout(patience));
    return await witness.agrees({ title: first, state: 'playing', volume: 100 });
  });
  await step('shuffle and repeat reach MQTT', async () => {
    await phone.shuffle(true);
    await phone.repeat('context');
    await witness.mirrors(({ shuffle, repeat }) => shuffle === 'ON' && repeat === 'all', 'shuffle ON and repeat all');
    await phone.shuffle(false);
    await phone.repeat('off');
    await witness.mirrors(({ shuffle, repeat }) => shuffle === 'OFF' && repeat === 'off', 'shuffle OFF and repeat off');
    return undefined;
  });
  await step('a queued track goes first; next over MQTT moves the phone’s view', async () => {
    await phone.addToQueue(cloud.catalogue.get(fourth).uri);
    await phone.until((cluster) => cluster.playerState?.nextTracks[0]?.provider === 'queue', AbortSignal.timeout(patience));
    await witness.send('next', 'PRESS');
    return await witness.agrees({ title: fourth, state: 'playing' });
  });
  await step('the end of a track joins the next without a gap', async () => {
    await phone.previous();
    await witness.agrees({ title: first, state: 'playing' });
    await phone.seek(witness.duration(first) - 2500);
    await witness.views(({ playerState }) => playerState?.track?.metadata['title'] === second, `“${second}”`);
    await sleep(systemClock, 1500);
    return witness.isJoined(first, second);
  });
  await step('the phone takes over: the speaker falls silent and says so', async () => {
    await phone.takeOver();
    await witness.mirrors(({ state }) => state === 'off', 'state off');
    return await witness.isSilent('off');
  });
  await step('and gives it back: the music goes on where it was', async () => {
    const { position } = phone;
    ear.forget();
    const [speaker = ''] = phone.devices.keys();
    await phone.transfer(speaker, { paused: 'resume' });
    return await witness.agrees({ title: second, state: 'playing', near: position });
  });
}

interface Claim {
  readonly title: string;
  readonly state: 'playing' | 'paused';
  /** Where the sound should be, in ms; by the phone's clock when it is not said. */
  readonly near?: number;
  /** Percent. */
  readonly volume?: number;
}

/** Asks the three witnesses of a moment the same question. */
class Witness {
  readonly #stage: DemoStage;
  readonly #ear: Ear;
  readonly #mirror: OpenMirror;
  readonly #references: ReadonlyMap<string, Int16Array>;
  #volume = 100;

  constructor(stage: DemoStage, ear: Ear, mirror: OpenMirror, references: ReadonlyMap<string, Int16Array>) {
    this.#stage = stage;
    this.#ear = ear;
    this.#mirror = mirror;
    this.#references = references;
  }

  duration(title: string): number {
    return ((this.#reference(title).length / 2) * 1000) / rate;
  }

  send(key: string, value: string): Promise<unknown> {
    return this.#mirror.client.publishAsync(`tonearm/kitchen/set/${key}`, value, { qos: 1 });
  }

  async mirrors(test: (mirror: Mirror) => boolean, wanted: string): Promise<void> {
    await until(() => this.#mirror.now !== null && test(this.#mirror.now), () => `MQTT should say ${wanted} and says ${JSON.stringify(this.#mirror.now)}`);
  }

  async views(test: (cluster: Cluster) => boolean, wanted: string): Promise<void> {
    await until(() => test(this.#stage.phone.cluster), () => `the phone should see ${wanted} and sees ${JSON.stringify(this.#stage.phone.track?.metadata['title'])}`);
  }

  async agrees({ title, state, near, volume = this.#volume }: Claim): Promise<string> {
    const { phone } = this.#stage;
    this.#volume = volume;
    await this.views(({ playerState }) => playerState?.track?.metadata['title'] === title && playerState.isPaused === (state === 'paused') && !playerState.isBuffering, `“${title}” ${state}`);
    await this.mirrors((mirror) => mirror.title === title && mirror.state === state && mirror.volume === volume, `“${title}” ${state} at volume ${volume}`);
    const gain = gainOf(volume / 100, 'log');
    const reference = this.#reference(title);
    let seen = '';
    const started = phone.position;
    await until(() => {
      const heard = this.#ear.last(window);
      const frame = heard.length < window * 2 ? null : locate(heard, reference, gain, gain === 1 ? 1 : 2);
      if (frame === null) return false;
      const at = ((frame + window) / rate) * 1000;
      const wanted = near === undefined ? phone.position : Math.max(near, near + phone.position - started);
      seen = `heard at ${(at / 1000).toFixed(2)} s, the phone’s clock says ${(phone.position / 1000).toFixed(2)} s`;
      return Math.abs(at - phone.position) < 1000 && Math.abs(at - wanted) < 2500;
    }, () => `the samples heard should be those of “${title}” at the phone’s position; ${seen === '' ? 'they are not in that track' : seen}`);
    return seen;
  }

  async isSilent(state: string): Promise<string> {
    await this.mirrors((mirror) => mirror.state === state, `state ${state}`);
    // What stands in the pipe is still heard, as with any device.
    await sleep(systemClock, 700);
    const before = this.#ear.total;
    await sleep(systemClock, 600);
    const after = this.#ear.total;
    if (after > before) throw new Mismatch(`${after - before} bytes of sound came where there should be none`);
    return 'no sample in 0.6 s';
  }

  /** The last samples of one piece and the first of the other stand side by side in what was heard. */
  isJoined(first: string, second: string): string {
    const a = this.#reference(first);
    const b = this.#reference(second);
    const heard = this.#ear.last(12 * rate);
    const around = rate; // half a second on both sides
    const wanted = new Int16Array(around * 2);
    wanted.set(a.subarray(a.length - around), 0);
    wanted.set(b.subarray(0, around), around);
    const frame = locate(wanted, heard, 1);
    if (frame === null) throw new Mismatch('the two tracks do not stand side by side in what was heard');
    return `${around} frames across the join are exact`;
  }

  #reference(title: string): Int16Array {
    const reference = this.#references.get(title);
    if (!reference) throw new Mismatch(`there is no piece called “${title}”`);
    return reference;
  }
}

async function until(test: () => boolean, otherwise: () => string): Promise<void> {
  const end = systemClock.monotonic() + patience;
  while (!test()) {
    if (systemClock.monotonic() > end) throw new Mismatch(otherwise());
    await sleep(systemClock, 50);
  }
}

interface OpenMirror extends AsyncDisposable {
  readonly client: MqttClient;
  readonly now: Mirror | null;
}

async function openMirror({ tonearm }: DemoStage): Promise<OpenMirror> {
  if (tonearm.mqtt === null) throw new Error('The speaker has no MQTT broker.');
  const { connectAsync } = (await import('mqtt')).default;
  const client = await connectAsync(tonearm.mqtt, { protocolVersion: 4, clientId: 'demo-check' });
  let now: Mirror | null = null;
  client.on('message', (_topic, payload) => {
    now = JSON.parse(payload.toString()) as Mirror;
  });
  await client.subscribeAsync('tonearm/kitchen', { qos: 1 });
  return {
    client,
    get now() {
      return now;
    },
    async [Symbol.asyncDispose]() {
      await client.endAsync();
    },
  };
}
