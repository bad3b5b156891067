import type { Clock } from '../foundation.ts';
import { readMessage, socketUrl } from '../messages.ts';
import { isKey } from '../settings.ts';
import type { HousePicture } from '../picture.ts';
import type { Dial, Ending, Socket } from '../socket.ts';

/** A daemon that is there says what it has within this time. Milliseconds. */
const limit = 5000;

/** What the settings page shows of a server, or why it shows nothing. */
export type Look =
  | { readonly kind: 'seen'; readonly instance: string; readonly name: string; readonly version: string; readonly zones: readonly { readonly id: string; readonly name: string }[]; readonly presets: readonly { readonly id: string; readonly name: string }[]; readonly automations: number; readonly alarms: number; readonly mayControl: boolean }
  | { readonly kind: 'refused' | 'away' | 'invalid'; readonly sentence: string };

/** Looks at each address in turn until one lets us in. When none does: tells of the first that refuses us, else of the first. Never rejects. */
export async function lookAround(dial: Dial, clock: Clock, [address = '', ...others]: readonly string[], key: string | null): Promise<Look & { readonly url: string }> {
  let best = { ...(await look(dial, clock, address, key)), url: address };
  if (best.kind === 'invalid') return best;
  for (const url of others) {
    if (best.kind === 'seen') break;
    const next = { ...(await look(dial, clock, url, key)), url };
    if (next.kind === 'seen' || (next.kind === 'refused' && best.kind === 'away')) best = next;
  }
  return best;
}

/** Connects once, as the plugin would, and tells what it would see. Never rejects. */
export function look(dial: Dial, clock: Clock, address: string, key: string | null): Promise<Look> {
  let url: string;
  try {
    // "localhost:8484" is an address to `URL`, with the scheme "localhost".
    if (!/^https?:\/\//i.test(address)) throw new Error('It has no scheme of ours.');
    url = socketUrl(address);
  } catch {
    return Promise.resolve({ kind: 'invalid', sentence: `“${address}” is no address. It looks like http://tonearm.local:8484.` });
  }
  if (key !== null && !isKey(key)) return Promise.resolve({ kind: 'invalid', sentence: 'The key has a character no key has. Copy it again, without quotes or spaces.' });
  return new Promise((resolve) => {
    const end = (result: Look) => {
      timer[Symbol.dispose]();
      socket.drop();
      resolve(result);
    };
    const timer = clock.timer(limit, () => end({ kind: 'away', sentence: `Something answers at ${address}, but it is not a Tonearm this plugin understands. Check the address, and whether both are up to date.` }));
    const socket: Socket = dial(url, key, {
      opened: () => undefined,
      alive: () => undefined,
      heard: (text) => {
        const message = readMessage(text, clock.now());
        if (message?.kind === 'whole') end(seen(message.picture));
      },
      ended: (ending) => end(failed(address, key, ending)),
    });
  });
}

function seen({ instance, name, version, zones, presets, automations, mayControl }: HousePicture): Look {
  const alarms = automations.filter(({ alarm }) => alarm !== null).length;
  return { kind: 'seen', instance, name, version, zones: zones.map(({ id, name: own }) => ({ id, name: own })), presets: presets.map(({ id, name: own }) => ({ id, name: own })), automations: automations.length - alarms, alarms, mayControl };
}

function failed(address: string, key: string | null, { kind, why }: Ending): Look {
  if (kind === 'refused') {
    return {
      kind,
      sentence: key === null ? 'This Tonearm wants a key. Run “tonearm keys add homebridge --scope control” on its machine and copy what it prints.' : `This Tonearm does not let us in: ${why}. Copy the key again, whole; “tonearm keys add homebridge --scope control” on its machine makes a new one.`,
    };
  }
  return { kind, sentence: `No Tonearm answers at ${address} (${why}). Check that Tonearm runs, that its address and port are right, and that it listens to the network and not only to its own machine.` };
}
