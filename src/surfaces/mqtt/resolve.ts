import type { Command, PlayerState } from '#core';
import { type Action, playState, positionAt, sleepMinutes, sourceWord, toPercent } from './wire/index.ts';

/** Turns what depends on the state into plain commands. `level` is the volume last asked for, `now` Unix time in ms. */
export function resolveActions(actions: readonly Action[], state: PlayerState, { level, now }: { readonly level: number; readonly now: number }): Command[] {
  return actions.flatMap((action): Command | readonly Command[] => {
    switch (action.kind) {
      case 'command':
        return action.command;
      case 'toggle':
        return toggled(action.what, state);
      case 'source':
        if (sourceWord(state.source) === action.source) return [];
        if (action.source === 'none') return { kind: 'stop' };
        // What plays without a URI is what holds the zone; Spotify when nothing does.
        return state.source === null ? { kind: 'play' } : [{ kind: 'stop' }, { kind: 'play' }];
      case 'volume-by':
        return { kind: 'volume', level: Math.min(Math.max(toPercent(level) + action.by, 0), 100) / 100 };
      case 'seek-by': {
        const end = state.track && state.track.duration > 0 ? state.track.duration : Infinity;
        return { kind: 'seek', to: Math.min(Math.max(Math.round(positionAt(state, now)) + action.by, 0), end) };
      }
      case 'fade-in':
        return [{ kind: 'volume', level: 0 }, { kind: 'fade', to: action.to ?? level, over: action.over, curve: action.curve }];
    }
  });
}

function toggled(what: 'play' | 'mute' | 'shuffle', state: PlayerState): Command {
  switch (what) {
    case 'play':
      return { kind: isSounding(state) ? 'pause' : 'play' };
    case 'mute':
      return { kind: 'mute', muted: !state.volume.muted };
    case 'shuffle':
      return { kind: 'shuffle', on: !state.order.shuffle };
  }
}

/** A sleep timer that is asked for what it said a moment ago. Milliseconds. */
const sleepSlack = 5000;

/** What a command is weighed against. */
export interface Known {
  /** Unix ms. */
  readonly now: number;
  /** Name and id of the preset that plays, lower case. */
  readonly presets?: readonly string[] | undefined;
  /** Volumes, in percent, that were told a moment ago. */
  readonly told?: readonly number[] | undefined;
}

/**
 * Whether a command asks for what already is. Such commands end here, so that an echo of our own state dies.
 * Volume is compared in whole percent: an echo of our own rounded number changes nothing.
 */
export function isSettled(command: Command, state: PlayerState, { now, presets = [], told = [] }: Known): boolean {
  const { volume } = state;
  switch (command.kind) {
    case 'play':
      return command.uri === undefined && command.at === undefined && isSounding(state);
    case 'preset':
      return isSounding(state) && presets.includes(command.preset.toLowerCase());
    case 'pause':
      return !isSounding(state);
    case 'stop':
      return state.status === 'stopped' && state.source === null && !state.announcing;
    case 'volume': {
      const percent = toPercent(command.level);
      // While it fades, a volume we have just told comes from whoever repeats us, and must not end the fade.
      return percent === toPercent(volume.level) || (volume.fading !== null && told.includes(percent));
    }
    case 'fade':
      return volume.fading === null && toPercent(command.to) === toPercent(volume.level);
    case 'limit':
      return toPercent(command.level) === toPercent(volume.limit);
    case 'mute':
      return command.muted === volume.muted;
    case 'shuffle':
      return command.on === state.order.shuffle;
    case 'repeat':
      return command.mode === state.order.repeat;
    case 'output':
      return command.output === state.output.name;
    case 'sleep': {
      if (command.after === null || state.sleep === null) return command.after === null && state.sleep === null;
      return sleepMinutes(state.sleep, now - sleepSlack) === command.after / 60_000 || sleepMinutes(state.sleep, now) === command.after / 60_000;
    }
    default:
      return false;
  }
}

function isSounding(state: PlayerState): boolean {
  const now = playState(state);
  return now === 'playing' || now === 'buffering';
}
