import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TonearmError } from '#foundation';
import { playbackOwners } from '../device-owner.ts';
import { deviceLost } from '../device-trouble.ts';
import { watchPlayer, type OutputWorld } from '../output-world.ts';
import { encodeHead, parseFromSpeaker, type FromSpeaker, type SpeakerTask, type ToSpeaker } from './messages.ts';

const mostErrorText = 2000;

/** The child process that holds the native code. */
export class SpeakerChild {
  readonly #child: ChildProcess;
  readonly #ended: Promise<TonearmError>;
  #text = '';
  #reason: string | null = null;
  error: TonearmError | null = null;

  constructor({ programs, players, owners = playbackOwners }: Pick<OutputWorld, 'programs' | 'players' | 'owners'>, task: SpeakerTask, onNews: (news: FromSpeaker) => void) {
    this.#child = spawn(process.execPath, ['--max-semi-space-size=1', '--max-old-space-size=32', fileURLToPath(programs.speakerChild), JSON.stringify(task)], { stdio: ['pipe', 'pipe', 'pipe'] });
    watchPlayer(players, this.#child);
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      this.#text = (this.#text + part).slice(-mostErrorText);
    });
    if (this.#child.stdout) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        const news = parseFromSpeaker(line);
        if (news?.kind === 'failed') this.#reason = news.reason;
        if (news) onNews(news);
      });
    }
    this.#ended = new Promise((resolve) => {
      const end = (how: string) => {
        const reason = this.#reason ?? this.#lastWords() ?? how;
        // The native code does not tell why a device cannot be opened.
        const isMaybeBusy = /open output device|busy/i.test(`${this.#reason} ${this.#text}`);
        void (isMaybeBusy ? owners() : Promise.resolve([])).then((found) => {
          this.error = deviceLost({ device: task.device ?? 'default', program: 'speaker', reason: found.length > 0 ? 'busy' : reason, owners: found });
          resolve(this.error);
        });
      };
      this.#child.on('error', (error) => end(error.message));
      this.#child.on('close', (code, signal) => end(signal === 'SIGABRT' ? 'there is no sound device' : `ended with ${signal ?? String(code)}`));
    });
  }

  get ended(): Promise<TonearmError> {
    return this.#ended;
  }

  /** What went wrong, in a few words, once it has ended. */
  get why(): string {
    return this.#reason ?? (this.#child.signalCode === 'SIGABRT' ? 'ALSA has no such sound device' : (this.#lastWords() ?? 'it ended unexpectedly'));
  }

  send(type: ToSpeaker, body: Buffer = Buffer.alloc(0)): void {
    const { stdin } = this.#child;
    if (!stdin?.writable) return;
    stdin.write(encodeHead(type, body.length));
    if (body.length > 0) stdin.write(Buffer.from(body));
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #lastWords(): string | null {
    return this.#text.trim().split('\n').pop()?.slice(0, 200) || null;
  }
}

/** Null when the package is there and opens the device, else why not. Takes about a tenth of a second. */
export async function probeSpeaker(world: OutputWorld, device: string | null, signal: AbortSignal): Promise<string | null> {
  const seen = { ready: false };
  const child = new SpeakerChild(world, { task: 'probe', rate: 44_100, channels: 2, device, staysOpen: false }, (news) => {
    if (news.kind === 'ready') seen.ready = true;
  });
  const stop = () => child.kill();
  signal.addEventListener('abort', stop, { once: true });
  await child.ended;
  signal.removeEventListener('abort', stop);
  return seen.ready ? null : signal.aborted ? 'it does not answer' : child.why;
}
