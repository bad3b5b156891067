/** Where a daemon is and how to prove oneself. */
export interface ServerSettings {
  /** As people call it, for the log and for settings of single zones; null: the one the daemon says itself. */
  readonly name: string | null;
  /** `http://tonearm.local:8484`; null: it is looked for by its instance. */
  readonly url: string | null;
  /** Stable name of the installation, found again by mDNS wherever it moves. */
  readonly instance: string | null;
  readonly key: string | null;
}

export const faces = ['television', 'speaker', 'both', 'none'] as const;
export const volumes = ['none', 'fan', 'light'] as const;
export const sensors = ['none', 'occupancy', 'contact'] as const;
export const powers = ['stop', 'pause'] as const;

/** What is shown of a zone. */
export interface ZoneOptions {
  readonly face: (typeof faces)[number];
  /** `stop`: on while something is loaded, off ends it. `pause`: on while it sounds, off pauses. */
  readonly power: (typeof powers)[number];
  /** Preset that turning on begins with when there is nothing to go on with; null: the first one the zone offers. */
  readonly start: string | null;
  readonly volume: (typeof volumes)[number];
  /** How far one press of a volume button goes, percent. */
  readonly step: number;
  readonly playing: (typeof sensors)[number];
  readonly button: boolean;
  /** Presets with a switch of their own: all, none, or these ids. */
  readonly switches: boolean | readonly string[];
}

export interface Settings {
  readonly servers: readonly ServerSettings[];
  readonly zones: ZoneOptions;
  readonly automations: boolean;
  readonly alarms: boolean;
  /** Of single zones: by id or name, of one server if it says so. */
  readonly exceptions: readonly ({ readonly zone: string; readonly server: string | null } & Partial<ZoneOptions>)[];
}

/** Settings, or why there are none: `empty` is a plugin nobody has configured yet. */
export type ReadSettings = { readonly kind: 'ready'; readonly settings: Settings; readonly complaints: readonly string[] } | { readonly kind: 'empty' } | { readonly kind: 'unusable'; readonly complaints: readonly string[] };

export const defaults: ZoneOptions = { face: 'television', power: 'stop', start: null, volume: 'none', step: 5, playing: 'none', button: false, switches: false };

/** Reads what stands in Homebridge's configuration. What cannot be used is named in a sentence and left out; never throws. */
export function readSettings(config: Readonly<Record<string, unknown>>): ReadSettings {
  const complaints: string[] = [];
  const given = list(config['servers']);
  const servers = given.flatMap((entry, index) => readServer(entry, `servers[${index}]`, complaints) ?? []);
  if (servers.length === 0) return complaints.length > 0 ? { kind: 'unusable', complaints } : { kind: 'empty' };
  const zones = { ...defaults, ...readOptions(config, '', complaints) };
  const exceptions = list(config['zones']).flatMap((entry, index) => {
    const zone = text(entry['zone']);
    if (zone === null) {
      // The settings page leaves a blank row where nobody wrote anything.
      const isBlank = Object.values(entry).every((value) => text(value) === null && (!Array.isArray(value) || value.every((one) => text(one) === null)));
      if (!isBlank) complaints.push(`zones[${index}] does not say which zone it is about, so it is left out. Fill in “zone”, for example "kitchen".`);
      return [];
    }
    return [{ zone, server: text(entry['server']), ...readOptions(entry, `zones[${index}].`, complaints) }];
  });
  return { kind: 'ready', complaints, settings: { servers, zones, automations: config['automations'] === true, alarms: config['alarms'] === true, exceptions } };
}

/** What holds for one zone of one server. */
export function optionsFor(settings: Settings, zone: { readonly id: string; readonly name: string }, server: readonly (string | null)[]): ZoneOptions {
  let options = settings.zones;
  for (const { zone: wanted, server: of, ...rest } of settings.exceptions) {
    const fits = wanted === zone.id || wanted.toLowerCase() === zone.name.toLowerCase();
    if (fits && (of === null || server.includes(of))) options = { ...options, ...rest };
  }
  return options;
}

function readServer(entry: Readonly<Record<string, unknown>>, at: string, complaints: string[]): ServerSettings | null {
  const server = { name: text(entry['name']), url: text(entry['url']), instance: text(entry['instance']), key: text(entry['key']) };
  if (server.url !== null && !isAddress(server.url)) {
    complaints.push(`${at}.url is "${server.url}", which is no address of a Tonearm, so this server is left out. It looks like http://tonearm.local:8484.`);
    return null;
  }
  if (server.url === null && server.instance === null) {
    if (server.name !== null || server.key !== null) complaints.push(`${at} says neither where its Tonearm is (“url”) nor which one it is (“instance”), so it is left out. The settings page of the plugin finds both.`);
    return null;
  }
  if (server.key !== null && !isKey(server.key)) {
    complaints.push(`${at}.key holds a character no key has, so this server is left out. Copy the key again, without quotes or spaces.`);
    return null;
  }
  return server;
}

function readOptions(entry: Readonly<Record<string, unknown>>, at: string, complaints: string[]): Partial<ZoneOptions> {
  const options: { -readonly [Key in keyof ZoneOptions]?: ZoneOptions[Key] } = {};
  const choice = <Choice extends string>(key: string, choices: readonly Choice[], take: (choice: Choice) => void) => {
    const value = entry[key];
    if (value === undefined || value === null || value === '') return;
    const found = choices.find((one) => one === value);
    if (found !== undefined) take(found);
    else complaints.push(`${at}${key} is ${JSON.stringify(value)}; it can be ${choices.join(', ')}. Until then the default is used.`);
  };
  choice('face', faces, (face) => (options.face = face));
  choice('power', powers, (power) => (options.power = power));
  choice('volume', volumes, (volume) => (options.volume = volume));
  choice('playing', sensors, (playing) => (options.playing = playing));
  const start = text(entry['start']);
  if (start !== null) options.start = start;
  const step = entry['step'];
  if (typeof step === 'number' && Number.isInteger(step) && step >= 1 && step <= 25) options.step = step;
  else if (step !== undefined && step !== null) complaints.push(`${at}step is ${JSON.stringify(step)}; it is a whole number from 1 to 25, in percent. Until then the default is used.`);
  if (typeof entry['button'] === 'boolean') options.button = entry['button'];
  if (typeof entry['switches'] === 'boolean') options.switches = entry['switches'];
  const presets = entry['presets'];
  if (Array.isArray(presets) && presets.length > 0) options.switches = presets.flatMap((preset) => text(preset) ?? []);
  return options;
}

function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((entry): entry is Readonly<Record<string, unknown>> => typeof entry === 'object' && entry !== null) : [];
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

/** Whether it could be a key at all. */
export function isKey(value: string): boolean {
  return /^[!-~]+$/.test(value);
}

function isAddress(value: string): boolean {
  try {
    const { protocol, hostname } = new URL(value);
    return (protocol === 'http:' || protocol === 'https:') && hostname !== '';
  } catch {
    return false;
  }
}
