import type { TonearmError } from '#foundation';
import {
  decodeApResponse,
  decodeLoginFailure,
  decodeWelcome,
  deriveSessionKeys,
  detectRefusal,
  encodeClientHello,
  encodeClientResponse,
  HandshakeFrames,
  Packet,
  PacketReader,
  PacketWriter,
  verifyServerSignature,
  WireError,
  type DhKeyPair,
  type Welcome,
} from '#spotify/wire';
import { ending, judgeLoginFailure, type Ending } from './verdict.ts';

/** Everything the machine cannot make itself: randomness, keys, what to say at login. */
export interface SessionPlan {
  readonly keyPair: DhKeyPair;
  /** 16 random bytes. */
  readonly nonce: Uint8Array;
  /** Modulus of the access point's RSA key. */
  readonly serverKey: Uint8Array;
  /** Payload of the login packet. */
  readonly login: Uint8Array;
}

/** `packet`: for the rest of a packet of which a part has come. */
export type Deadline = 'handshake' | 'alive' | 'packet';

export type Effect =
  | { readonly kind: 'write'; readonly bytes: Buffer }
  /** Replaces the deadline of the same name; `null` lifts it. */
  | { readonly kind: 'deadline'; readonly name: Deadline; readonly delay: number | null }
  | { readonly kind: 'welcome'; readonly welcome: Welcome }
  | { readonly kind: 'packet'; readonly command: number; readonly payload: Buffer }
  | { readonly kind: 'ping'; readonly seconds: number }
  | { readonly kind: 'end'; readonly ending: Ending };

export type Input =
  /** `elapsed`: how long connecting took, in milliseconds. */
  | { readonly kind: 'opened'; readonly elapsed: number }
  | { readonly kind: 'received'; readonly bytes: Uint8Array }
  | { readonly kind: 'expired'; readonly name: Deadline }
  | { readonly kind: 'send'; readonly command: number; readonly payload: Uint8Array }
  | { readonly kind: 'closed'; readonly cause?: unknown };

/** The life of one connection. `transcript` and the codecs are owned by the state they stand in. */
export type SessionState =
  | { readonly phase: 'new'; readonly plan: SessionPlan }
  | { readonly phase: 'hello'; readonly plan: SessionPlan; readonly sent: Buffer; readonly frames: HandshakeFrames }
  | { readonly phase: 'answer'; readonly held: Buffer; readonly writer: PacketWriter; readonly reader: PacketReader }
  /** `partial`: bytes of a packet that is not whole yet. */
  | { readonly phase: 'login' | 'online'; readonly writer: PacketWriter; readonly reader: PacketReader; readonly partial: number }
  | { readonly phase: 'ended' };

export interface Step {
  readonly state: SessionState;
  readonly effects: readonly Effect[];
}

/** From the first attempt to connect up to the welcome (`connect-session.md §3.7`). */
export const handshakeTime = 10_000;
/** The first ping must come within this time after the welcome (§5.6). */
export const firstPingTime = 30_000;
/** Longest silence between pings and acknowledgements: two minutes and a margin (§5.6). */
export const silenceTime = 150_000;
/**
 * A packet that was altered or repeated mostly claims a length nobody sends. Waiting for all of it would look like silence,
 * so its rest must come soon.
 */
export const packetTime = 8000;
/** Of a packet besides its payload: header and MAC (§4.5). */
const overhead = 7;

export function startSession(plan: SessionPlan): SessionState {
  return { phase: 'new', plan };
}

/** The next state and what to do. No I/O, no clock, no randomness; never throws. */
export function step(state: SessionState, input: Input): Step {
  if (state.phase === 'ended') return { state, effects: [] };
  try {
    switch (input.kind) {
      case 'opened':
        return opened(state, input.elapsed);
      case 'received':
        return received(state, Buffer.from(input.bytes.buffer, input.bytes.byteOffset, input.bytes.byteLength));
      case 'expired':
        return end(expired(state, input.name));
      case 'send':
        return state.phase === 'online' ? { state, effects: [{ kind: 'write', bytes: state.writer.encode(input.command, input.payload) }] } : { state, effects: [] };
      case 'closed':
        return end(closed(state, input.cause));
    }
  } catch (error) {
    return end(judgeWireError(state, error));
  }
}

function opened(state: SessionState, elapsed: number): Step {
  if (state.phase !== 'new') return { state, effects: [] };
  const sent = encodeClientHello({ publicKey: state.plan.keyPair.publicKey, nonce: state.plan.nonce });
  return {
    state: { phase: 'hello', plan: state.plan, sent, frames: new HandshakeFrames('client') },
    effects: [
      { kind: 'write', bytes: sent },
      { kind: 'deadline', name: 'handshake', delay: handshakeTime - elapsed },
    ],
  };
}

function received(state: SessionState, bytes: Buffer): Step {
  switch (state.phase) {
    case 'hello':
      return challenged(state, bytes);
    case 'answer':
      return answered(state, Buffer.concat([state.held, bytes]));
    case 'login':
    case 'online':
      return packets(state, bytes);
    case 'new':
    case 'ended':
      return { state, effects: [] };
  }
}

/** Message 2: every check of `connect-session.md §3.8` before a byte of ours depends on it. */
function challenged(state: Extract<SessionState, { phase: 'hello' }>, bytes: Buffer): Step {
  const [frame] = state.frames.push(bytes);
  if (!frame) return { state, effects: [] };
  const response = decodeApResponse(frame);
  if (response.kind === 'refused') return end(judgeLoginFailure(response.failure));
  if (response.kind === 'upgrade') {
    return end(ending('final', 'forbidden', 'upgrade-required', 'Spotify does not let this version of Tonearm in any more. Update Tonearm.'));
  }
  if (response.weaker !== null) {
    return end(
      ending('elsewhere', 'corrupt', 'weak-handshake', `The access point asked for weaker protection than Spotify uses (${response.weaker}). Somebody may be meddling with the connection; nothing was sent. Another access point is tried.`),
    );
  }
  const { keyPair, serverKey, login } = state.plan;
  if (!verifyServerSignature(response.publicKey, response.signature, serverKey)) {
    return end(
      ending('elsewhere', 'corrupt', 'server-not-genuine', 'The access point could not prove that it is Spotify: its signature is wrong. Somebody may be meddling with the connection; the login was not sent. Another access point is tried.'),
    );
  }
  const keys = deriveSessionKeys(keyPair.secretWith(response.publicKey), Buffer.concat([state.sent, frame]));
  const writer = new PacketWriter(keys.clientToServer);
  // One write: the login rides on the reply, which saves a round trip and a packet.
  const reply = Buffer.concat([encodeClientResponse(keys.reply), writer.encode(Packet.login, login)]);
  const next: SessionState = { phase: 'answer', held: Buffer.alloc(0), writer, reader: new PacketReader(keys.serverToClient) };
  return prepend([{ kind: 'write', bytes: reply }], answered(next, state.frames.rest()));
}

/** A refusal of message 3 comes in clear text where ciphertext is due (`connect-session.md §3.6`). */
function answered(state: Extract<SessionState, { phase: 'answer' }>, held: Buffer): Step {
  const found = detectRefusal(held);
  if (found.kind === 'wait') return { state: { ...state, held }, effects: [] };
  if (found.kind === 'refused') return end(judgeLoginFailure(found.failure));
  return packets({ phase: 'login', writer: state.writer, reader: state.reader, partial: 0 }, held);
}

type WithPackets = Extract<SessionState, { phase: 'login' | 'online' }>;

function packets(state: WithPackets, bytes: Buffer): Step {
  const effects: Effect[] = [];
  const whole = state.reader.push(bytes);
  const partial = whole.reduce((rest, { payload }) => rest - overhead - payload.length, state.partial + bytes.length);
  let now: SessionState = { ...state, partial };
  for (const { command, payload } of whole) {
    if (now.phase !== 'login' && now.phase !== 'online') break;
    const result: Step = now.phase === 'login' ? loggedIn(now, command, payload) : online(now, command, payload);
    now = result.state;
    effects.push(...result.effects);
  }
  if (now.phase !== 'ended' && (whole.length > 0 || state.partial === 0) && (partial > 0 || state.partial > 0)) {
    effects.push({ kind: 'deadline', name: 'packet', delay: partial > 0 ? packetTime : null });
  }
  return { state: now, effects };
}

function loggedIn(state: WithPackets, command: number, payload: Buffer): Step {
  if (command === Packet.loginFailure) return end(judgeLoginFailure(decodeLoginFailure(payload)));
  if (command !== Packet.welcome) {
    return end(ending('elsewhere', 'corrupt', 'unexpected-packet', `The access point answered the login with something else (packet 0x${command.toString(16)}). Another one is tried.`));
  }
  return {
    state: { ...state, phase: 'online' },
    effects: [
      { kind: 'welcome', welcome: decodeWelcome(payload) },
      { kind: 'deadline', name: 'handshake', delay: null },
      { kind: 'deadline', name: 'alive', delay: firstPingTime },
    ],
  };
}

function online(state: WithPackets, command: number, payload: Buffer): Step {
  if (command === Packet.ping) {
    return {
      state,
      effects: [
        // Answered at once with the same bytes (§5.6).
        { kind: 'write', bytes: state.writer.encode(Packet.pong, payload) },
        { kind: 'deadline', name: 'alive', delay: silenceTime },
        ...(payload.length >= 4 ? [{ kind: 'ping' as const, seconds: payload.readUInt32BE(0) }] : []),
      ],
    };
  }
  if (command === Packet.pongAck) return { state, effects: [{ kind: 'deadline', name: 'alive', delay: silenceTime }] };
  return { state, effects: [{ kind: 'packet', command, payload }] };
}

function expired(state: SessionState, name: Deadline): Ending {
  if (name === 'packet') return state.phase === 'online' ? packetAltered() : handshakeAltered();
  return name === 'handshake'
    ? ending('elsewhere', 'timeout', 'access-point-silent', 'The access point took too long to answer the login. Another one is tried.')
    : ending('wait', 'timeout', 'access-point-lost', 'Nothing has been heard from the access point for too long; the connection is opened anew. Music goes on playing.');
}

function closed(state: SessionState, cause: unknown): Ending {
  return state.phase === 'online'
    ? ending('wait', 'unavailable', 'access-point-closed', 'The connection to the access point was closed; it is opened anew. Music goes on playing.', cause)
    : ending('elsewhere', 'unavailable', 'access-point-unreachable', 'The access point closed the connection before the login was done. Another one is tried.', cause);
}

function judgeWireError(state: SessionState, error: unknown): Ending {
  if (!(error instanceof WireError)) {
    return ending('wait', 'internal', 'access-point-failed', 'The connection to the access point failed because of a mistake in Tonearm; it is opened anew. Please report this.', error);
  }
  // The first packet proves that both sides saw the same handshake (§3.8 rule 6).
  if (error.code === 'wire/bad-mac') {
    // A packet that was read whole before this one proves the handshake, even when both came in one piece.
    const isProven = state.phase === 'online' || ('reader' in state && state.reader.received > 0);
    return isProven ? packetAltered(error) : handshakeAltered(error);
  }
  return ending(state.phase === 'online' ? 'wait' : 'elsewhere', 'corrupt', 'access-point-garbled', `The access point sent something that makes no sense (${error.code}); the connection was closed and is opened anew.`, error);
}

function handshakeAltered(cause?: unknown): Ending {
  return ending(
    'elsewhere',
    'corrupt',
    'handshake-altered',
    'The login could not be completed because something changed on its way to Spotify or back. Somebody may be meddling with the connection; another access point is tried.',
    cause,
  );
}

function packetAltered(cause?: unknown): Ending {
  return ending(
    'wait',
    'corrupt',
    'packet-altered',
    'A packet from the access point was altered or repeated on its way; the connection was closed at once and is opened anew. Music goes on playing.',
    cause,
  );
}

function end(ending: Ending): Step {
  return {
    state: { phase: 'ended' },
    effects: [
      { kind: 'deadline', name: 'handshake', delay: null },
      { kind: 'deadline', name: 'alive', delay: null },
      { kind: 'deadline', name: 'packet', delay: null },
      { kind: 'end', ending },
    ],
  };
}

function prepend(effects: readonly Effect[], next: Step): Step {
  return { state: next.state, effects: [...effects, ...next.effects] };
}

/** The kinds of trouble that look like somebody listening in; tried again far less often. */
export function looksHostile(error: TonearmError): boolean {
  return ['spotify/weak-handshake', 'spotify/server-not-genuine', 'spotify/handshake-altered'].includes(error.code);
}
