import { bass, bell, hat, kick, pad, pluck, silence, stab, type Instrument, type Stereo } from './instruments.ts';
import { addRoom, finish } from './room.ts';

/** A piece of music: words for the display, and a function that renders it. */
export interface Piece {
  readonly file: string;
  readonly title: string;
  readonly artist: string;
  readonly album: string;
  readonly number: number;
  /** Vorbis quality, so that the catalogue has several bitrates. */
  readonly quality: number;
  /** Two colours of the cover, 0xRRGGBB. */
  readonly colours: readonly [number, number];
  render(): Stereo;
}

const album = 'Four Small Rooms';
const artist = 'The Idle Pickups';

interface Score {
  readonly sound: Stereo;
  readonly beat: number;
  play(instrument: Instrument, beat: number, beats: number, note: number, strength: number, pan?: number): void;
}

function score(beatsPerMinute: number, beats: number, tail: number): Score {
  const beat = 60 / beatsPerMinute;
  const sound = silence(beats * beat + tail);
  return {
    sound,
    beat,
    play: (instrument, at, length, note, strength, pan = 0) => instrument(sound, { at: at * beat, length: length * beat, note, strength, pan }),
  };
}

/** Root note and the notes above it, in half steps. */
type Chord = readonly [root: number, ...above: number[]];

function windowLight(): Stereo {
  // D – Bm – G – A, with a friend now and then.
  const chords: readonly Chord[] = [[50, 4, 7, 14], [47, 3, 7, 12], [43, 4, 7, 16], [45, 4, 7, 12], [50, 4, 7, 16], [54, 3, 7, 12], [43, 4, 11, 14], [45, 5, 7, 12]];
  const s = score(92, 4 * 22, 4);
  const pattern = [0, 2, 1, 3, 2, 1, 3, 1];
  for (let bar = 0; bar < 21; bar++) {
    const [root, ...above] = chords[bar % chords.length] ?? [50];
    const tones = [12, ...above.map((step) => step + 12)];
    if (bar >= 4) s.play(bass, bar * 4, 1.8, root - 12, 0.7);
    if (bar >= 4) s.play(bass, bar * 4 + 2.5, 1.2, root - 12, 0.5);
    pattern.forEach((which, step) => s.play(pluck, bar * 4 + step / 2, 0.5, root + (tones[which % tones.length] ?? 12), 0.5 + 0.15 * (step % 4 === 0 ? 1 : 0), step % 2 === 0 ? -0.35 : 0.35));
    if (bar >= 8) for (const step of tones.slice(0, 3)) s.play(pad, bar * 4, 3.6, root + step, 0.35, step % 2 === 0 ? -0.5 : 0.5);
    if (bar >= 12 && bar % 2 === 0) s.play(bell, bar * 4 + 3, 1, root + 24 + (above[1] ?? 7), 0.35, 0.2);
  }
  addRoom(s.sound, 0.35);
  finish(s.sound, { fadeIn: 0.01, fadeOut: 4, peak: 0.89 });
  return s.sound;
}

function rainOnTheSill(): Stereo {
  const chords: readonly Chord[] = [[45, 3, 7, 14], [41, 4, 7, 16], [48, 4, 7, 14], [43, 4, 9, 14]];
  const s = score(60, 4 * 14, 6);
  const drops = [0, 0.75, 1.5, 2.25, 3.1];
  for (let bar = 0; bar < 14; bar++) {
    const [root, ...above] = chords[Math.floor(bar / 2) % chords.length] ?? [45];
    if (bar % 2 === 0) for (const [n, step] of [0, ...above].entries()) s.play(pad, bar * 4, 7.4, root + 12 + step, 0.4, (n - 1.5) / 2);
    drops.forEach((drop, n) => {
      if ((bar * 5 + n * 3) % 7 < 4) s.play(bell, bar * 4 + drop, 1, root + 24 + ([0, ...above][(bar + n) % 4] ?? 0) + (n === 3 ? 12 : 0), 0.3 + 0.1 * (n % 2), Math.sin(bar * 2 + n));
    });
    s.play(bass, bar * 4, 3.5, root - 12, 0.35);
  }
  addRoom(s.sound, 0.6);
  finish(s.sound, { fadeIn: 1.5, fadeOut: 5, peak: 0.8 });
  return s.sound;
}

function kitchenFloor(): Stereo {
  const chords: readonly Chord[] = [[45, 3, 7, 10], [50, 3, 7, 10], [43, 4, 7, 11], [48, 4, 7, 11]];
  const s = score(116, 4 * 28, 2);
  for (let bar = 0; bar < 28; bar++) {
    const [root, ...above] = chords[Math.floor(bar / 2) % chords.length] ?? [45];
    const isBreak = bar >= 16 && bar < 20;
    for (let beat = 0; beat < 4; beat++) {
      if (!isBreak) s.play(kick, bar * 4 + beat, 0.3, 0, 0.95);
      if (bar >= 4) s.play(hat, bar * 4 + beat + 0.5, 0.18, bar + beat, 0.9, 0.25);
      if (bar >= 8) s.play(hat, bar * 4 + beat + 0.25, 0.08, bar * 3 + beat, 0.4, -0.3);
    }
    if (bar >= 2) for (const at of [0, 0.75, 1.5, 2.5, 3.25]) s.play(bass, bar * 4 + at, 0.4, root - 12 + (at === 2.5 ? 12 : 0), 0.75);
    if (bar >= 6 || isBreak) for (const at of [0.5, 1.25, 2.75]) for (const [n, step] of [0, ...above].entries()) s.play(stab, bar * 4 + at, 0.4, root + 12 + step, 0.5, (n - 1.5) / 2.5);
    if (bar >= 12) s.play(bell, bar * 4 + (bar % 2) * 1.5 + 1, 1, root + 24 + (above[bar % 3] ?? 0), 0.4, bar % 2 === 0 ? 0.5 : -0.5);
    if (isBreak) for (const step of [0, ...above]) s.play(pad, bar * 4, 3.8, root + 12 + step, 0.4, 0);
  }
  addRoom(s.sound, 0.18);
  finish(s.sound, { fadeIn: 0.005, fadeOut: 2.5, peak: 0.92 });
  return s.sound;
}

function lampOff(): Stereo {
  // A music box, three beats to the bar.
  const tune = [72, 76, 79, 77, 76, 74, 72, 74, 76, 79, 76, 72, 71, 74, 77, 76, 74, 71, 72, 76, 74, 72, 67, 72];
  const s = score(96, 3 * 26, 5);
  for (let bar = 0; bar < 24; bar++) {
    const root = [48, 45, 41, 43][Math.floor(bar / 2) % 4] ?? 48;
    s.play(pluck, bar * 3, 1, root, 0.55, -0.3);
    s.play(pluck, bar * 3 + 1, 1, root + 7, 0.35, 0.1);
    s.play(pluck, bar * 3 + 2, 1, root + 12, 0.35, 0.3);
    for (let beat = 0; beat < 3; beat++) {
      const at = (bar * 3 + beat) % tune.length;
      if (beat !== 1 || bar % 3 !== 2) s.play(bell, bar * 3 + beat, 1, (tune[at] ?? 72) + (bar >= 16 ? 12 : 0), 0.42, 0.15);
    }
  }
  addRoom(s.sound, 0.5);
  finish(s.sound, { fadeIn: 0.02, fadeOut: 5, peak: 0.78 });
  return s.sound;
}

/** The catalogue of the demo, written for it. */
export const pieces: readonly Piece[] = [
  { file: 'window-light.ogg', title: 'Window Light', artist, album, number: 1, quality: 6, colours: [0xf6b26b, 0x674ea7], render: windowLight },
  { file: 'rain-on-the-sill.ogg', title: 'Rain on the Sill', artist, album, number: 2, quality: 3, colours: [0x6fa8dc, 0x274e13], render: rainOnTheSill },
  { file: 'kitchen-floor.ogg', title: 'Kitchen Floor', artist, album, number: 3, quality: 9, colours: [0xe06666, 0x0c343d], render: kitchenFloor },
  { file: 'lamp-off.ogg', title: 'Lamp Off', artist, album, number: 4, quality: 5, colours: [0xffe599, 0x1c1c4a], render: lampOff },
];
