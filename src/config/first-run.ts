import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from './problem.ts';

/** The file a first start leaves behind: valid as it is, and with the comment signs taken away. */
export const firstConfiguration = `# Tonearm's settings.
# "# " with a space begins an explanation. "#" alone stands before settings that can be made; they show what holds without them.
# After a change: restart Tonearm. "--check" tells whether the file is fine without starting anything.

version: 1

zones:
  # One entry for each speaker. The name is what people see in the Spotify app.
  - name: Tonearm
    # Set an id before renaming a zone, and it stays the same speaker for everybody.
    #id: tonearm
    # Where the sound goes: auto, speaker, aplay, pacat, pipe, null.
    #output: { kind: auto }
    # Highest bitrate: 96, 160 or 320.
    #bitrate: 320
    # Make everything equally loud: off, track or album.
    #normalisation: off
    #volume: { initial: 50, curve: log }
    # TCP port phones pair on; 0 for any free one.
    #discovery: { port: 0 }

# Your MQTT broker. Without it a small one is started on this machine, at 127.0.0.1:1883.
#mqtt:
  #url: mqtt://192.0.2.10:1883
  #username: tonearm
  # Not here in the open: write "mqtt_password: …" into secrets.yaml beside this file, or take it from the environment with \${NAME}.
  #password: !secret mqtt_password
  #prefix: tonearm
  #discovery: { enabled: true, prefix: homeassistant }

#broker: { enabled: true, port: 1883 }

# Network interfaces to be visible on, by name or address; empty for all real ones.
#discovery: { interfaces: [] }

# The way out: { proxy: "http://192.0.2.20:3128" } for an HTTP proxy (with a password in it: proxy: !secret proxy);
# { friendlyPorts: true } when a firewall lets nothing out but ports 443 and 80.
#network: {}

# level: trace, debug, info, warn, error; format: text or json.
#log: { level: info, format: text }
`;

/** Writes the first configuration, readable by its owner only. Gives false, and changes nothing, when there already is a file. */
export async function writeFirstConfiguration(path: string): Promise<boolean> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, firstConfiguration, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new ConfigError('config/not-writable', `The configuration file ${path} cannot be made (${code ?? 'unknown reason'}). Correct the folder's permissions, or name another file with --config.`);
  }
}
