import { randomBytes } from 'node:crypto';
import { createDhKeyPair, encodeAddUser, encodeForm, encryptPairingBlob, judgeGetInfo, parseGetInfo, parseStatus, type StatusAnswer } from '#spotify/wire';
import type { Journal } from '../journal.ts';
import { fetchBytes, type HttpAnswer } from './http.ts';

/** What a speaker said about itself, checked against the limits (connect-session §10.3). */
export type SpeakerInfo = ReturnType<typeof parseGetInfo>;

export interface PairingOutcome {
  /** HTTP status of the last answer. */
  readonly http: number;
  /** The JSON of the last answer; null when there was none that could be read. */
  readonly answer: StatusAnswer | null;
  readonly isOk: boolean;
  /** How many times addUser was posted: twice after a key mismatch. */
  readonly tries: number;
}

/** What to do wrong on purpose (connect-session §10.8). */
export type PairingMischief =
  | 'wrong-mac'
  | 'short-blob'
  | 'raw-plus'
  | 'no-blob'
  | 'no-client-key'
  | 'no-user-name'
  | 'no-device-name'
  | 'wake-up'
  | 'old-key'
  | 'access-token-type';

export interface PairingOptions {
  readonly mischief?: PairingMischief;
  readonly signal?: AbortSignal;
}

/** Who pairs: the user's credentials and the phone's names. */
export interface Pairer {
  readonly name: string;
  readonly deviceId: string;
  readonly username: string;
  readonly credential: { readonly type: number; readonly data: Uint8Array };
  readonly journal: Journal;
}

const clause = 'connect-session §10';

/** Asks a speaker who it is, and notes what a strict phone would find wrong. */
export async function askInfo(url: string, { journal, name }: Pick<Pairer, 'journal' | 'name'>, signal?: AbortSignal): Promise<SpeakerInfo> {
  const answer = await fetchBytes(withQuery(url, 'action=getInfo'), signal ? { signal } : {});
  const text = answer.body.toString('utf8');
  const breach = (what: string) => journal.refuse({ service: 'discovery', clause: `${clause}.3`, what: `getInfo: ${what}`, refused: false, phone: name });
  if (answer.status !== 200) breach(`HTTP ${answer.status}`);
  if (!(answer.headers['content-type'] ?? '').startsWith('application/json')) breach(`Content-Type ${answer.headers['content-type'] ?? 'missing'} (§10.2)`);
  for (const fault of judgeGetInfo(text)) breach(fault);
  const info = parseGetInfo(text);
  if (info.status !== 101) breach(`status ${info.status}`);
  if (info.tokenType !== 'default') breach(`tokenType "${info.tokenType}": a phone cannot pair that way (§10.7)`);
  return info;
}

/** Hands a user's credentials to a speaker; after a key mismatch once more with the key of the answer. */
export async function pairWith(url: string, pairer: Pairer, { mischief, signal }: PairingOptions = {}): Promise<PairingOutcome> {
  const info = await askInfo(url, pairer, signal);
  const staleKey = mischief === 'old-key' ? createDhKeyPair().publicKey.toString('base64') : info.publicKey;
  const first = await post(url, bodyFor(pairer, info.deviceId, staleKey, mischief), signal);
  const answer = judgeAnswer(first, pairer);
  if (answer?.name !== 'invalidPublicKey' || answer.publicKey === null) return outcomeOf(first, answer, 1);
  const second = await post(url, bodyFor(pairer, answer.deviceId ?? info.deviceId, answer.publicKey, mischief === 'old-key' ? undefined : mischief), signal);
  return outcomeOf(second, judgeAnswer(second, pairer), 2);
}

/** Logs everybody out of a speaker. */
export async function resetUsers(url: string, pairer: Pairer, signal?: AbortSignal): Promise<PairingOutcome> {
  const answer = await post(url, encodeForm([['action', 'resetUsers']]), signal);
  return outcomeOf(answer, judgeAnswer(answer, pairer), 1);
}

function bodyFor(pairer: Pairer, speakerId: string, publicKey: string, mischief: PairingMischief | undefined): string {
  const { username, credential, name, deviceId } = pairer;
  const made = encryptPairingBlob({ credentials: { username, type: credential.type, data: credential.data }, deviceId: speakerId, deviceKey: publicKey, keyPair: createDhKeyPair() });
  const fields = new Map([...new URLSearchParams(encodeAddUser({ username, ...made, tokenType: 'default', loginId: username, deviceName: name, deviceId, version: '2.7.1' }))]);
  switch (mischief) {
    case 'wrong-mac': {
      const blob = Buffer.from(made.blob, 'base64');
      blob[blob.length - 1] = (blob.at(-1) ?? 0) ^ 1;
      fields.set('blob', blob.toString('base64'));
      break;
    }
    case 'short-blob':
      fields.set('blob', randomBytes(20).toString('base64'));
      break;
    case 'no-blob':
      fields.delete('blob');
      break;
    case 'no-client-key':
      fields.delete('clientKey');
      break;
    case 'no-user-name':
      fields.delete('userName');
      break;
    case 'no-device-name':
      fields.delete('deviceName');
      fields.delete('deviceId');
      break;
    case 'wake-up':
      fields.set('blob', '');
      fields.set('clientKey', '');
      break;
    case 'access-token-type':
      fields.set('tokenType', 'accesstoken');
      break;
    case 'raw-plus':
    case 'old-key':
    case undefined:
      break;
  }
  const body = encodeForm(fields);
  return mischief === 'raw-plus' ? body.replace(/%2B/gi, '+') : body;
}

function post(url: string, body: string, signal: AbortSignal | undefined): Promise<HttpAnswer> {
  return fetchBytes(url, { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body, ...(signal ? { signal } : {}) });
}

function judgeAnswer({ status, headers, body }: HttpAnswer, { journal, name }: Pairer): StatusAnswer | null {
  const breach = (what: string) => journal.refuse({ service: 'discovery', clause: `${clause}.6`, what: `addUser: ${what}`, refused: false, phone: name });
  if (!(headers['content-type'] ?? '').startsWith('application/json')) breach(`Content-Type ${headers['content-type'] ?? 'missing'}`);
  try {
    const answer = parseStatus(body.toString('utf8'));
    if (answer.name === null) breach(`status ${answer.status} is not in the table`);
    return answer;
  } catch {
    breach(`HTTP ${status} with a body that is not JSON`);
    return null;
  }
}

function outcomeOf({ status }: HttpAnswer, answer: StatusAnswer | null, tries: number): PairingOutcome {
  return { http: status, answer, isOk: answer?.name === 'ok', tries };
}

function withQuery(url: string, query: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}
