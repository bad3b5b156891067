import { fromBase64 } from '#foundation';
import type { PlayOrigin } from './connect-state.ts';
import { type Context, type ContextTrack, parseContext, parseContextTrack } from './context.ts';
import { booleanAt, entriesAt, integerAt, isObject, type JsonObject, member, numberAt, objectAt, objectsAt, textAt, textsAt } from './lenient-json.ts';
import { WireError } from './wire-error.ts';

/** What a controller asks of this device: the body of a dealer request (connect-control.md §3.1). */
export interface CommandRequest {
  /** Unsigned 32 bit; values pass 2^31. 0 when it was not said. */
  readonly messageId: number;
  readonly sentBy: string;
  readonly endpoint: string;
  /** For logs. */
  readonly commandId: string | null;
  readonly command: PlayerCommand;
}

/** Every member but `endpoint` may have been missing; absent ones are `null`, empty, or the documented default. */
export type PlayerCommand =
  | TransferCommand
  | PlayCommand
  | { readonly endpoint: 'pause' }
  | { readonly endpoint: 'resume' }
  | SeekCommand
  | { readonly endpoint: 'skip_next'; readonly track: ContextTrack | null }
  | { readonly endpoint: 'skip_prev'; readonly allowSeeking: boolean }
  | { readonly endpoint: 'set_shuffling_context' | 'set_repeating_context' | 'set_repeating_track'; readonly value: boolean }
  | ({ readonly endpoint: 'set_options' } & OptionsOverride)
  | { readonly endpoint: 'add_to_queue'; readonly track: ContextTrack | null }
  | SetQueueCommand
  | { readonly endpoint: 'update_context'; readonly context: Context; readonly sessionId: string | null }
  | { readonly endpoint: 'set_sleep_timer'; readonly timer: SleepTimerRequest }
  | { readonly endpoint: 'set_playback_speed'; readonly value: number | null }
  | { readonly endpoint: 'unknown'; readonly name: string };

export interface TransferCommand {
  readonly endpoint: 'transfer';
  /** For `decodeTransferState`; `null` when there is nothing to move. */
  readonly data: Buffer | null;
  readonly from: string;
  /** `restore` (also when absent), `resume`, `pause`, or something newer. */
  readonly restorePaused: string;
  readonly restorePosition: string | null;
  readonly restoreTrack: string | null;
  readonly retainSession: string | null;
}

export interface PlayCommand {
  readonly endpoint: 'play';
  readonly context: Context;
  readonly origin: PlayOrigin;
  /** `null`: start with the first row, or any when shuffling. */
  readonly skipTo: SkipTo | null;
  /** Milliseconds. */
  readonly seekTo: number | null;
  readonly initiallyPaused: boolean;
  /** `null`: keep the current options. */
  readonly options: OptionsOverride | null;
  readonly suppressions: readonly string[];
}

/** Never all `null`. */
export interface SkipTo {
  readonly uid: string | null;
  readonly uri: string | null;
  /** Relative to the page the user saw. */
  readonly index: number | null;
  readonly pageIndex: number | null;
}

/** `null`: leave as it is. */
export interface OptionsOverride {
  readonly shufflingContext: boolean | null;
  readonly repeatingContext: boolean | null;
  readonly repeatingTrack: boolean | null;
  readonly playbackSpeed: number | null;
  readonly modes: Readonly<Record<string, string>> | null;
}

export interface SeekCommand {
  readonly endpoint: 'seek_to';
  /** Milliseconds. Which of the two counts depends on `relative` (§3.8). */
  readonly value: number | null;
  readonly position: number | null;
  /** `beginning`, `current`, empty, or something newer. */
  readonly relative: string;
}

export interface SetQueueCommand {
  readonly endpoint: 'set_queue';
  /** The one the controller started from. */
  readonly revision: string | null;
  readonly previous: readonly ContextTrack[];
  readonly next: readonly ContextTrack[];
}

export type SleepTimerRequest =
  | { readonly kind: 'duration'; /** Milliseconds. */ readonly duration: number }
  | { readonly kind: 'end-of-track' }
  | { readonly kind: 'clear' };

/**
 * Reads a parsed command, leniently: only `command.endpoint` must be there (§3.1).
 * @throws WireError `wire/bad-command`
 */
export function parseCommandRequest(json: unknown): CommandRequest {
  if (!isObject(json)) throw badCommand('it is not an object');
  const command = objectAt(json, 'command');
  const endpoint = textAt(command, 'endpoint');
  if (endpoint === null || endpoint === '') throw badCommand('it does not say what to do');
  const messageId = integerAt(json, 'message_id') ?? 0;
  return {
    // Some senders count in signed 32 bit and wrap.
    messageId: messageId >>> 0,
    sentBy: textAt(json, 'sent_by_device_id') ?? '',
    endpoint,
    commandId: textAt(objectAt(command, 'logging_params'), 'command_id'),
    command: parseCommand(endpoint, command),
  };
}

function parseCommand(endpoint: string, command: JsonObject): PlayerCommand {
  switch (endpoint) {
    case 'transfer':
      return parseTransfer(command);
    case 'play':
      return parsePlay(command);
    case 'pause':
    case 'resume':
      return { endpoint };
    case 'seek_to':
      return { endpoint, value: numberAt(command, 'value'), position: numberAt(command, 'position'), relative: textAt(command, 'relative') ?? '' };
    case 'skip_next':
    case 'add_to_queue':
      return { endpoint, track: trackAt(command) };
    case 'skip_prev':
      return { endpoint, allowSeeking: booleanAt(objectAt(command, 'options'), 'allow_seeking') ?? true };
    case 'set_shuffling_context':
    case 'set_repeating_context':
    case 'set_repeating_track':
      return { endpoint, value: booleanAt(command, 'value') ?? false };
    case 'set_options':
      return { endpoint, ...parseOptions(command) };
    case 'set_queue':
      return {
        endpoint,
        revision: textAt(command, 'queue_revision'),
        previous: objectsAt(command, 'prev_tracks').map(parseContextTrack),
        next: objectsAt(command, 'next_tracks').map(parseContextTrack),
      };
    case 'update_context':
      return { endpoint, context: parseContext(objectAt(command, 'context')), sessionId: textAt(command, 'session_id') };
    case 'set_sleep_timer':
      return { endpoint, timer: parseTimer(objectAt(command, 'timer_type')) };
    case 'set_playback_speed':
      return { endpoint, value: numberAt(command, 'value') };
    default:
      return { endpoint: 'unknown', name: endpoint };
  }
}

function parseTransfer(command: JsonObject): TransferCommand {
  const data = fromBase64(textAt(command, 'data') ?? '');
  if (!data) throw badCommand('the state to take over is not base64');
  const options = objectAt(command, 'options');
  return {
    endpoint: 'transfer',
    data: data.length > 0 ? data : null,
    from: textAt(command, 'from_device_identifier') ?? '',
    restorePaused: textAt(options, 'restore_paused') ?? 'restore',
    restorePosition: textAt(options, 'restore_position'),
    restoreTrack: textAt(options, 'restore_track'),
    retainSession: textAt(options, 'retain_session'),
  };
}

function parsePlay(command: JsonObject): PlayCommand {
  // Controllers post the parameters as `prepare_play_options`; the cloud renames them to `options`.
  const options = { ...objectAt(command, 'prepare_play_options'), ...objectAt(command, 'options') };
  const seekTo = numberAt(options, 'seek_to');
  const override = member(options, 'player_options_override');
  return {
    endpoint: 'play',
    context: parseContext(objectAt(command, 'context')),
    origin: parseOrigin(objectAt(command, 'play_origin')),
    skipTo: parseSkipTo(objectAt(options, 'skip_to')),
    seekTo: seekTo === null ? null : Math.max(seekTo, 0),
    initiallyPaused: booleanAt(options, 'initially_paused') ?? false,
    options: isObject(override) ? parseOptions(override) : null,
    suppressions: textsAt(objectAt(options, 'suppressions'), 'providers'),
  };
}

function parseSkipTo(json: JsonObject): SkipTo | null {
  const skipTo = {
    uid: textAt(json, 'track_uid') || null,
    uri: textAt(json, 'track_uri') || null,
    index: integerAt(json, 'track_index'),
    pageIndex: integerAt(json, 'page_index'),
  };
  return Object.values(skipTo).every((value) => value === null) ? null : skipTo;
}

function parseOptions(json: JsonObject): OptionsOverride {
  return {
    shufflingContext: booleanAt(json, 'shuffling_context'),
    repeatingContext: booleanAt(json, 'repeating_context'),
    repeatingTrack: booleanAt(json, 'repeating_track'),
    playbackSpeed: numberAt(json, 'playback_speed'),
    modes: isObject(member(json, 'modes')) ? entriesAt(json, 'modes') : null,
  };
}

function parseOrigin(json: JsonObject): PlayOrigin {
  return {
    featureIdentifier: textAt(json, 'feature_identifier') ?? '',
    featureVersion: textAt(json, 'feature_version') ?? '',
    viewUri: textAt(json, 'view_uri') ?? '',
    externalReferrer: textAt(json, 'external_referrer') ?? '',
    referrerIdentifier: textAt(json, 'referrer_identifier') ?? '',
    deviceIdentifier: textAt(json, 'device_identifier') ?? '',
    featureClasses: textsAt(json, 'feature_classes'),
    restrictionIdentifier: textAt(json, 'restriction_identifier') ?? '',
  };
}

function parseTimer(json: JsonObject): SleepTimerRequest {
  const seconds = numberAt(json, 'duration_s');
  const type = textAt(json, 'type');
  if (type === 'duration' && seconds !== null && seconds > 0) return { kind: 'duration', duration: seconds * 1000 };
  return { kind: type === 'end_of_track' ? 'end-of-track' : 'clear' };
}

function trackAt(command: JsonObject): ContextTrack | null {
  const track = member(command, 'track');
  return isObject(track) ? parseContextTrack(track) : null;
}

function badCommand(why: string): WireError {
  return new WireError('wire/bad-command', `A controller sent a command that cannot be understood (${why}); nothing was done. Try again from the app.`);
}
