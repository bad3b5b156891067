import { clienttoken, decode, encode } from './proto/index.ts';
import { WireError } from './wire-error.ts';

const { ClientTokenRequestType: RequestType, ClientTokenResponseType: ResponseType, ChallengeType } = clienttoken;

/** Who asks for a client token (connect-session.md §7.1). */
export interface ClientTokenApplicant {
  readonly clientId: string;
  readonly deviceId: string;
  readonly version: string;
  readonly platform: ClientTokenPlatform;
}

/** A Linux machine, as `uname` tells it. */
export interface ClientTokenPlatform {
  /** `Linux` */
  readonly systemName: string;
  /** `uname -r` */
  readonly release: string;
  /** `uname -v` */
  readonly version: string;
  /** `x86_64` */
  readonly hardware: string;
}

export type ClientTokenRequest =
  | (Omit<ClientTokenApplicant, 'platform'> & { readonly kind: 'client'; /** `null` when it is no Linux machine. */ readonly platform: ClientTokenPlatform | null })
  | { readonly kind: 'answers'; readonly state: string; readonly suffixes: readonly string[] };

export function encodeClientTokenRequest({ clientId, deviceId, version, platform }: ClientTokenApplicant): Buffer {
  const desktopLinux = { systemName: platform.systemName, systemRelease: platform.release, systemVersion: platform.version, hardware: platform.hardware };
  return encode(clienttoken.ClientTokenRequest, {
    requestType: RequestType.REQUEST_CLIENT_DATA_REQUEST,
    clientData: { clientVersion: version, clientId, connectivitySdkData: { platformSpecificData: { desktopLinux }, deviceId } },
  });
}

/** `suffixes`: upper-case hexadecimal, one per challenge, in the same order (§7.3). */
export function encodeClientTokenAnswers({ state, suffixes }: { readonly state: string; readonly suffixes: readonly string[] }): Buffer {
  return encode(clienttoken.ClientTokenRequest, {
    requestType: RequestType.REQUEST_CHALLENGE_ANSWERS_REQUEST,
    challengeAnswers: { state, answers: suffixes.map((suffix) => ({ challengeType: ChallengeType.CHALLENGE_HASH_CASH, hashCash: { suffix } })) },
  });
}

/** @throws WireError */
export function decodeClientTokenRequest(bytes: Uint8Array): ClientTokenRequest {
  const { requestType, clientData, challengeAnswers } = decode(clienttoken.ClientTokenRequest, bytes);
  if (requestType === RequestType.REQUEST_CHALLENGE_ANSWERS_REQUEST && challengeAnswers) {
    return { kind: 'answers', state: challengeAnswers.state, suffixes: challengeAnswers.answers.map((answer) => answer.hashCash?.suffix ?? '') };
  }
  if (requestType !== RequestType.REQUEST_CLIENT_DATA_REQUEST || !clientData) throw badAnswer('the request is of no known kind');
  const linux = clientData.connectivitySdkData?.platformSpecificData?.desktopLinux;
  return {
    kind: 'client',
    clientId: clientData.clientId,
    deviceId: clientData.connectivitySdkData?.deviceId ?? '',
    version: clientData.clientVersion,
    platform: linux ? { systemName: linux.systemName, release: linux.systemRelease, version: linux.systemVersion, hardware: linux.hardware } : null,
  };
}

export type ClientTokenAnswer =
  | ClientTokenGrant
  | { readonly kind: 'challenges'; readonly state: string; readonly challenges: readonly ClientTokenChallenge[] };

export interface ClientTokenGrant {
  readonly kind: 'granted';
  readonly token: string;
  /** Seconds. */
  readonly expiresAfter: number;
  /** Seconds. */
  readonly refreshAfter: number;
  readonly domains: readonly string[];
}

/** `prefix` is hexadecimal text. A challenge of another kind cannot be solved. */
export type ClientTokenChallenge =
  | { readonly kind: 'hashcash'; readonly prefix: string; readonly length: number }
  | { readonly kind: 'other'; readonly type: number };

/** @throws WireError, also when the answer holds neither a token nor a challenge */
export function decodeClientTokenAnswer(bytes: Uint8Array): ClientTokenAnswer {
  const { responseType, grantedToken, challenges } = decode(clienttoken.ClientTokenResponse, bytes);
  if (responseType === ResponseType.RESPONSE_GRANTED_TOKEN_RESPONSE && grantedToken?.token) {
    return {
      kind: 'granted',
      token: grantedToken.token,
      expiresAfter: grantedToken.expiresAfterSeconds,
      refreshAfter: grantedToken.refreshAfterSeconds,
      domains: grantedToken.domains.map(({ domain }) => domain),
    };
  }
  if (responseType !== ResponseType.RESPONSE_CHALLENGES_RESPONSE || !challenges) throw badAnswer('it holds neither a token nor a challenge');
  return { kind: 'challenges', state: challenges.state, challenges: challenges.challenges.map(challengeOf) };
}

function challengeOf({ type, evaluateHashcashParameters: parameters }: clienttoken.Challenge): ClientTokenChallenge {
  return type === ChallengeType.CHALLENGE_HASH_CASH && parameters ? { kind: 'hashcash', prefix: parameters.prefix, length: parameters.length } : { kind: 'other', type };
}

export function encodeClientTokenAnswer(answer: ClientTokenAnswer): Buffer {
  if (answer.kind === 'granted') {
    return encode(clienttoken.ClientTokenResponse, {
      responseType: ResponseType.RESPONSE_GRANTED_TOKEN_RESPONSE,
      grantedToken: {
        token: answer.token,
        expiresAfterSeconds: answer.expiresAfter,
        refreshAfterSeconds: answer.refreshAfter,
        domains: answer.domains.map((domain) => ({ domain })),
      },
    });
  }
  const challenges = answer.challenges.map((challenge) =>
    challenge.kind === 'hashcash'
      ? { type: ChallengeType.CHALLENGE_HASH_CASH, evaluateHashcashParameters: { length: challenge.length, prefix: challenge.prefix } }
      : { type: challenge.type },
  );
  return encode(clienttoken.ClientTokenResponse, { responseType: ResponseType.RESPONSE_CHALLENGES_RESPONSE, challenges: { state: answer.state, challenges } });
}

/** The body of a 400: what the service did not like. @throws WireError */
export function decodeClientTokenRefusal(bytes: Uint8Array): string {
  return decode(clienttoken.ClientTokenBadRequest, bytes).message;
}

export function encodeClientTokenRefusal(message: string): Buffer {
  return encode(clienttoken.ClientTokenBadRequest, { message });
}

function badAnswer(why: string): WireError {
  return new WireError('wire/bad-client-token', `The client token service gave an answer that cannot be understood (${why}). It will be asked again.`);
}
