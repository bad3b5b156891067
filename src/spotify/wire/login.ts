import { authentication, decode, encode, keyexchange } from './proto/index.ts';

/** Logging in on the access point: `connect-session.md §5.3-5.5`. */

export const AuthType = { password: 0, stored: 1, storedFacebook: 2, token: 3, facebookToken: 4 } as const;

export const CpuFamily = { unknown: 0, x86: 1, x64: 2, ppc: 3, ppc64: 4, arm: 5, ia64: 6, sh: 7, mips: 8, blackfin: 9 } as const;

export const OperatingSystem = { unknown: 0, windows: 1, macos: 2, iphone: 3, linux: 5, android: 7, freebsd: 9 } as const;

export interface Login {
  /** Left out with a bare access token: the far side derives it. */
  readonly username?: string | null;
  /** An `AuthType`. */
  readonly type: number;
  readonly data: Uint8Array;
  readonly deviceId: string;
  /** Free text about the program and the system. */
  readonly systemInfo: string;
  /** `name version` of the program. */
  readonly version?: string | null;
  /** A `CpuFamily`; unknown unless given. */
  readonly cpu?: number;
  /** An `OperatingSystem`; Linux unless given. */
  readonly os?: number;
}

/** Payload of packet 0xab. */
export function encodeLogin({ username = null, type, data, deviceId, systemInfo, version = null, cpu = CpuFamily.unknown, os = OperatingSystem.linux }: Login): Buffer {
  return encode(authentication.ClientResponseEncrypted, {
    loginCredentials: { username, typ: type, authData: data },
    systemInfo: { cpuFamily: cpu, os, systemInformationString: systemInfo, deviceId },
    versionString: version,
  });
}

export interface DecodedLogin {
  readonly username: string | null;
  readonly type: number;
  readonly data: Buffer;
  readonly deviceId: string;
  readonly systemInfo: string;
  readonly version: string | null;
  readonly cpu: number;
  readonly os: number;
}

export function decodeLogin(payload: Uint8Array): DecodedLogin {
  const { loginCredentials, systemInfo, versionString } = decode(authentication.ClientResponseEncrypted, payload);
  return {
    username: loginCredentials.username,
    type: loginCredentials.typ,
    data: loginCredentials.authData ?? Buffer.alloc(0),
    deviceId: systemInfo.deviceId ?? '',
    systemInfo: systemInfo.systemInformationString ?? '',
    version: versionString,
    cpu: systemInfo.cpuFamily,
    os: systemInfo.os,
  };
}

/** What a successful login brings. */
export interface Welcome {
  /** The canonical name, which everything else uses. */
  readonly username: string;
  /** Of the reusable credentials, an `AuthType`, normally 1. */
  readonly type: number;
  /** The reusable credentials: a long-lived secret. */
  readonly data: Uint8Array;
}

/** Payload of packet 0xac. */
export function encodeWelcome({ username, type, data }: Welcome): Buffer {
  return encode(authentication.APWelcome, {
    canonicalUsername: username,
    accountTypeLoggedIn: 0,
    credentialsTypeLoggedIn: 0,
    reusableAuthCredentialsType: type,
    reusableAuthCredentials: data,
  });
}

export function decodeWelcome(payload: Uint8Array): { readonly username: string; readonly type: number; readonly data: Buffer } {
  const welcome = decode(authentication.APWelcome, payload);
  return { username: welcome.canonicalUsername, type: welcome.reusableAuthCredentialsType, data: welcome.reusableAuthCredentials };
}

/** Why a login was refused (§5.5). */
export const LoginFailureCode = {
  ProtocolError: 0,
  TryAnotherAP: 2,
  BadConnectionId: 5,
  TravelRestriction: 9,
  PremiumAccountRequired: 11,
  BadCredentials: 12,
  CouldNotValidateCredentials: 13,
  AccountExists: 14,
  ExtraVerificationRequired: 15,
  InvalidAppKey: 16,
  ApplicationBanned: 17,
} as const;

export type LoginFailureName = keyof typeof LoginFailureCode | 'Unknown';

export interface LoginFailure {
  readonly code: number;
  readonly name: LoginFailureName;
  /** Seconds to wait, when the far side named any. */
  readonly retryDelay?: number;
  readonly description?: string;
}

export type LoginFailureInput = Omit<LoginFailure, 'name'>;

/** Payload of packet 0xad. */
export function encodeLoginFailure(failure: LoginFailureInput): Buffer {
  return encode(keyexchange.APLoginFailed, loginFailureMessage(failure));
}

export function decodeLoginFailure(payload: Uint8Array): LoginFailure {
  return loginFailureOf(decode(keyexchange.APLoginFailed, payload));
}

/** The same refusal also travels inside the handshake's answer. */
export function loginFailureMessage({ code, retryDelay, description }: LoginFailureInput): { errorCode: number; retryDelay: number | null; errorDescription: string | null } {
  return { errorCode: code, retryDelay: retryDelay ?? null, errorDescription: description ?? null };
}

export function loginFailureOf({ errorCode, retryDelay, errorDescription }: keyexchange.APLoginFailed): LoginFailure {
  const names = Object.keys(LoginFailureCode) as (keyof typeof LoginFailureCode)[];
  return {
    code: errorCode,
    name: names.find((name) => LoginFailureCode[name] === errorCode) ?? 'Unknown',
    ...(retryDelay === null || retryDelay < 0 ? {} : { retryDelay }),
    ...(errorDescription === null ? {} : { description: errorDescription }),
  };
}
