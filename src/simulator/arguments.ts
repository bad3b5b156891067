import { parseArgs } from 'node:util';
import { TonearmError } from '#foundation';
import type { CloudOptions } from './options.ts';

export const usage = `Usage: npm run simulator -- [options]

A Spotify cloud on this machine, for tests and for other people's receivers. Everything listens on loopback.

  --music FOLDER            play the .ogg, .mp3 and .flac files in FOLDER and below
  --catalogue FILE          play the entries of this JSON file as well
  --state DIR               keep keys and certificates in DIR, and write what receivers need there
  --user NAME               a premium user; may be given several times (default: listener)
  --country CC              country of the users (default: SE)
  --product TYPE            product of the users (default: premium)
  --tls-port PORT           HTTPS and WSS for all host names (443 for programs with a hosts file)
  --http-port PORT          plain HTTP and WS (default: any free port)
  --access-point-port PORT  may be given several times (default: any free port)
  --control-port PORT       control API (default: any free port)
  --names loopback|real     what answers call the hosts (default: real with --tls-port 443, else loopback)
  --ipv6                    listen on ::1 as well
  --latency MS              round-trip time of every road; or accessPoint=MS,http=MS,cdn=MS,dealer=MS
  --seed TEXT               ids, keys and credentials follow from it (default: tonearm)
  --ping SECONDS            from ping to ping of the access point (default: 120)
  --no-noise                do not push frames that are to be ignored
  --phone NAME              log a phone in at once
  --verbose                 print refusals and requests as they come
  --help                    this text
`;

export interface Arguments {
  readonly help: boolean;
  readonly verbose: boolean;
  readonly phones: readonly string[];
  readonly options: CloudOptions;
}

/** Reads the command line. Throws a sentence for people. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values } = parse(argv);
  const tls = portOf('--tls-port', values['tls-port']);
  const country = values.country ?? 'SE';
  if (!/^[A-Z]{2}$/.test(country)) throw bad(`--country takes two capital letters, not "${country}".`);
  const names = values.names ?? (tls === 443 ? 'real' : 'loopback');
  if (names !== 'real' && names !== 'loopback') throw bad(`--names takes "loopback" or "real", not "${names}".`);
  const plain = portOf('--http-port', values['http-port']);
  const ping = values.ping === undefined ? undefined : numberOf('--ping', values.ping) * 1000;
  return {
    help: values.help ?? false,
    verbose: values.verbose ?? false,
    phones: values.phone ?? [],
    options: {
      ports: {
        ...(tls === undefined ? {} : { tls }),
        ...(plain === undefined ? {} : { plain }),
        accessPoint: (values['access-point-port'] ?? ['0']).map((text) => portOf('--access-point-port', text) ?? 0),
        control: portOf('--control-port', values['control-port']) ?? 0,
      },
      names,
      ipv6: values.ipv6 ?? false,
      noise: !(values['no-noise'] ?? false),
      users: (values.user ?? ['listener']).map((name) => ({ name, country, product: values.product ?? 'premium' })),
      latency: latencyOf(values.latency ?? '0'),
      ...(values.music === undefined ? {} : { folder: values.music }),
      ...(values.catalogue === undefined ? {} : { entries: values.catalogue }),
      ...(values.state === undefined ? {} : { state: values.state }),
      ...(values.seed === undefined ? {} : { seed: values.seed }),
      ...(ping === undefined ? {} : { pingPeriod: ping }),
    },
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        music: { type: 'string' },
        catalogue: { type: 'string' },
        state: { type: 'string' },
        user: { type: 'string', multiple: true },
        country: { type: 'string' },
        product: { type: 'string' },
        'tls-port': { type: 'string' },
        'http-port': { type: 'string' },
        'access-point-port': { type: 'string', multiple: true },
        'control-port': { type: 'string' },
        names: { type: 'string' },
        ipv6: { type: 'boolean' },
        latency: { type: 'string' },
        seed: { type: 'string' },
        ping: { type: 'string' },
        'no-noise': { type: 'boolean' },
        phone: { type: 'string', multiple: true },
        verbose: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error));
  }
}

function portOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535 && text !== '') return port;
  throw bad(`${name} takes a port from 0 to 65535, not "${text}".`);
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (text !== '' && Number.isFinite(number) && number >= 0) return number;
  throw bad(`${name} takes a number, not "${text}".`);
}

function latencyOf(text: string): NonNullable<CloudOptions['latency']> {
  if (!text.includes('=')) {
    const all = numberOf('--latency', text);
    return { accessPoint: all, http: all, cdn: all, dealer: all };
  }
  const roads = ['accessPoint', 'http', 'cdn', 'dealer'];
  const parts = text.split(',').map((part): [string, number] => {
    const [road = '', value = ''] = part.split('=');
    if (!roads.includes(road)) throw bad(`--latency knows ${roads.join(', ')}, not "${road}".`);
    return [road, numberOf('--latency', value)];
  });
  return Object.fromEntries(parts);
}

function bad(message: string): TonearmError {
  return new TonearmError({ kind: 'invalid', code: 'simulator/arguments', message: `${message} See --help.` });
}
