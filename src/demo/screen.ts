/** What the demo shows, taken from the phone's own picture of the world. */
export interface ScreenView {
  readonly speaker: string;
  readonly output: string;
  readonly title: string | null;
  readonly artist: string;
  readonly album: string;
  readonly status: 'nothing' | 'loading' | 'playing' | 'paused' | 'elsewhere';
  /** Milliseconds. */
  readonly position: number;
  readonly duration: number;
  /** 0 to 1. */
  readonly volume: number;
  readonly shuffle: boolean;
  readonly repeat: 'off' | 'context' | 'track';
  readonly next: string | null;
  readonly mqtt: string;
  readonly note: string;
}

const signs: Readonly<Record<ScreenView['status'], string>> = { nothing: '■', loading: '…', playing: '▶', paused: '⏸', elsewhere: '■' };

const repeats: Readonly<Record<ScreenView['repeat'], string>> = { off: 'off', context: 'all', track: 'one' };

/** Lines of text, `width` columns at most. Pure. */
export function drawScreen(view: ScreenView, width: number): readonly string[] {
  const room = Math.max(20, Math.min(width, 100) - 4);
  const lines = [
    `Tonearm demo: “${view.speaker}” plays ${view.output === 'null' ? 'in silence: there is no sound device' : `to ${view.output}`}`,
    '',
    `${signs[view.status]} ${view.title ?? (view.status === 'elsewhere' ? 'Playing on another device' : 'Nothing plays yet')}`,
    `  ${[view.artist, view.album].filter((text) => text !== '').join(' · ')}`,
    `  ${bar(view.duration > 0 ? view.position / view.duration : 0, Math.max(10, room - 18))}  ${clock(view.position)} / ${clock(view.duration)}`,
    `  volume ${bar(view.volume, 20)} ${Math.round(view.volume * 100)} %   shuffle ${view.shuffle ? 'on' : 'off'}   repeat ${repeats[view.repeat]}`,
    `  next: ${view.next ?? '–'}`,
    '',
    'space play/pause   n next   p previous   ←/→ 10 s   +/- volume',
    's shuffle   r repeat   q quit',
    `MQTT: ${view.mqtt}, topics below tonearm/`,
     
    view.note.replace(/[\x00-\x1f\x7f]+/g, ' '),
  ];
  return lines.map((line) => `  ${clip(line, room)}`);
}

function bar(part: number, width: number): string {
  const full = Math.round(Math.min(Math.max(part, 0), 1) * width);
  return `${'━'.repeat(full)}${'─'.repeat(width - full)}`;
}

/** Minutes and seconds of milliseconds. */
export function clock(time: number): string {
  const seconds = Math.max(0, Math.floor(time / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function clip(line: string, width: number): string {
  const letters = Array.from(line);
  return letters.length <= width ? line : `${letters.slice(0, width - 1).join('')}…`;
}
