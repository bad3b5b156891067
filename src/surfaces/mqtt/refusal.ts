import { type ErrorKind, TonearmError } from '#foundation';
import type { MqttSettings } from './settings.ts';

/** How an attempt or a connection ended. */
export type Refusal =
  | { readonly kind: 'closed' }
  /** It let us in and then did not answer our subscription. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'disconnected'; readonly reasonCode: number }
  | { readonly kind: 'error'; readonly error: unknown };

/** CONNACK codes: 1 of MQTT 3.1.1, 132 of MQTT 5. */
const versionCodes: ReadonlySet<unknown> = new Set([1, 132]);
const loginCodes: ReadonlySet<unknown> = new Set([4, 5, 134, 135]);

/** Whether the broker said that it does not speak this version. */
export function refusesVersion(refusal: Refusal): boolean {
  return refusal.kind === 'error' && versionCodes.has(codeOf(refusal.error));
}

/** Whether the far side hung up without a word, as some brokers do on a version they do not know. */
export function hangsUp(refusal: Refusal): boolean {
  return refusal.kind === 'closed' || (refusal.kind === 'error' && ['ECONNRESET', 'EPIPE'].includes(String(codeOf(refusal.error))));
}

/** Another client uses our name; `away`: milliseconds for which we leave it the line. */
export function rivalled({ url }: Pick<MqttSettings, 'url'>, away: number): TonearmError {
  const message = `Another client uses our name at the MQTT broker ${new URL(url).host}, and each throws the other out: a second Tonearm on a copied disk, or one that still runs. Give each its own "mqtt.clientId" and "mqtt.prefix". Music goes on; the next try is in ${Math.round(away / 1000)} s.`;
  return new TonearmError({ kind: 'conflict', code: 'mqtt/taken-over', message });
}

/** What happened, what it means and what to do, for the owner. */
export function sayWhy(refusal: Refusal, settings: Pick<MqttSettings, 'url'>): TonearmError {
  const where = new URL(settings.url).host;
  const goOn = 'Music goes on and we keep trying.';
  const say = (kind: ErrorKind, code: string, message: string) =>
    new TonearmError({ kind, code: `mqtt/${code}`, message: `${message} ${goOn}`, ...(refusal.kind === 'error' ? { cause: refusal.error } : {}) });
  if (refusal.kind === 'disconnected') {
    return say('unavailable', 'disconnected', `The MQTT broker ${where} ended the connection (reason ${refusal.reasonCode}).`);
  }
  if (refusal.kind === 'silent') return say('unavailable', 'no-answer', `The MQTT broker ${where} let us in but does not answer, so nothing could be shown or heard there.`);
  if (refusal.kind === 'closed') return say('unavailable', 'closed', `The connection to the MQTT broker ${where} was closed.`);
  const code = codeOf(refusal.error);
  if (loginCodes.has(code)) return say('unauthorized', 'login-refused', `The MQTT broker ${where} refused us. Check "username" and "password".`);
  if (code === 2 || code === 133) return say('invalid', 'name-refused', `The MQTT broker ${where} does not accept our client name. Set another "clientId".`);
  if (versionCodes.has(code)) return say('invalid', 'version-refused', `The MQTT broker ${where} does not speak this MQTT version. Set "version" to auto.`);
  if (code === 154) return say('invalid', 'retain-refused', `The MQTT broker ${where} forbids retained messages. Set "retain" to false.`);
  switch (code) {
    case 'ECONNREFUSED':
      return say('unavailable', 'away', `Nothing answers at ${where}: the MQTT broker is not running, or the address is wrong.`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return say('unavailable', 'unknown-host', `The name of the MQTT broker in ${where} is not known. Check "url".`);
    default:
  }
  if (typeof code === 'string' && /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return say('unauthorized', 'certificate', `The certificate of the MQTT broker ${where} was not accepted (${code}). Set "ca" to the authority that issued it.`);
  }
  const text = refusal.error instanceof Error ? refusal.error.message : String(refusal.error);
  return say('unavailable', 'failed', `The connection to the MQTT broker ${where} failed: ${text}.`);
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
