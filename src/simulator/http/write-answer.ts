import type { ServerResponse } from 'node:http';
import { sleep, type Clock } from '#foundation';
import type { ServerTime } from '../parts.ts';
import type { Answer } from './exchange.ts';

const slice = 4096;

/** Sends an answer with its length, at its pace, and cut short where it is meant to be. */
export async function writeAnswer(response: ServerResponse, answer: Answer, { clock, time }: { readonly clock: Clock; readonly time: ServerTime }): Promise<void> {
  const body = bodyOf(answer);
  const type = answer.json !== undefined ? { 'Content-Type': 'application/json' } : {};
  if (response.destroyed) return;
  response.sendDate = false;
  const date = { Date: new Date(time.now()).toUTCString() };
  const bodyless = answer.status === 204 || answer.status === 304;
  response.writeHead(answer.status, { ...date, ...type, ...answer.headers, ...(bodyless ? {} : { 'Content-Length': String(body.length) }) });
  const whole = answer.cut ? body.subarray(0, answer.cut.bytes) : body;
  if (answer.pace !== undefined) await trickle(response, whole, answer.pace, clock);
  else if (answer.cut && whole.length > 0) await new Promise((done) => response.write(whole, done));
  if (answer.cut) {
    response.flushHeaders();
    const socket = response.socket;
    if (answer.cut.reset) socket?.resetAndDestroy();
    else socket?.end();
    return;
  }
  response.end(answer.pace === undefined ? whole : undefined);
}

async function trickle(response: ServerResponse, body: Uint8Array, pace: number, clock: Clock): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const size = Math.max(1, Math.min(slice, Math.ceil(pace / 10)));
  try {
    for (let at = 0; at < body.length; at += size) {
      const piece = body.subarray(at, at + size);
      await sleep(clock, (piece.length / pace) * 1000, gone.signal);
      response.write(piece);
    }
  } catch {
    // The client has left.
  }
}

/** Bytes of an answer's body. */
export function bodyLength(answer: Answer): number {
  return bodyOf(answer).length;
}

function bodyOf({ body, json }: Answer): Buffer {
  if (json !== undefined) return Buffer.from(JSON.stringify(json));
  if (body === undefined) return Buffer.alloc(0);
  return typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
