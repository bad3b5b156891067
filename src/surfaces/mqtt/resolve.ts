import type { Command, PlayerState } from '#core';
import { type Action, playState, positionAt, toPercent } from './wire/index.ts';

/** Turns what depends on the state into plain commands. `level` is the volume last asked for, `now` Unix time in ms. */
export function resolveActions(actions: readonly Action[], state: PlayerState, { level, now }: { readonly level: number; readonly now: number }): Command[] {
  return actions.map((action): Command => {
    switch (action.kind) {
      case 'command':
        return action.command;
      case 'toggle':
        return toggled(action.what, state);
      case 'volume-by':
        return { kind: 'volume', level: Math.min(Math.max(toPercent(level) + action.by, 0), 100) / 100 };
      case 'seek-by': {
        const end = state.track && state.track.duration > 0 ? state.track.duration : Infinity;
        return { kind: 'seek', to: Math.min(Math.max(Math.round(positionAt(state, now)) + action.by, 0), end) };
      }
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

/**
 * Whether a command asks for what already is. Such commands end here, so that an echo of our own state dies.
 * Volume is compared in whole percent: an echo of our own rounded number changes nothing.
 */
export function isSettled(command: Command, state: PlayerState): boolean {
  switch (command.kind) {
    case 'play':
      return command.uri === undefined && command.at === undefined && isSounding(state);
    case 'pause':
      return !isSounding(state);
    case 'stop':
      return state.status === 'stopped' && state.source === null;
    case 'volume':
      return toPercent(command.level) === toPercent(state.volume.level);
    case 'mute':
      return command.muted === state.volume.muted;
    case 'shuffle':
      return command.on === state.order.shuffle;
    case 'repeat':
      return command.mode === state.order.repeat;
    default:
      return false;
  }
}

function isSounding(state: PlayerState): boolean {
  const now = playState(state);
  return now === 'playing' || now === 'buffering';
}
