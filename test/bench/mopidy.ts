import { execFileSync, spawn } from 'node:child_process';
import { until } from '../scenario/house.ts';

/** How Mopidy is started, if not by its name: for one that lives in a container or a folder of its own. */
const words = (process.env['TONEARM_BENCH_MOPIDY'] ?? 'mopidy').split(' ');

/** Mopidy with its MQTT extension at a broker, silent; null where there is none. */
export async function openMopidy(port: number): Promise<(AsyncDisposable & { readonly name: string }) | null> {
  const [file = 'mopidy', ...first] = words;
  const options = ['http/enabled=false', 'audio/mixer=software', 'audio/output=fakesink sync=true', 'mqtt/host=127.0.0.1', `mqtt/port=${port}`, 'mqtt/topic=mopidy'];
  const args = [...first, ...options.flatMap((option) => ['-o', option])];
  let version: string;
  try {
    version = execFileSync(file, [...first, '--version'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
  } catch {
    process.stderr.write('Mopidy is not installed: no round trip of it to compare with.\n');
    return null;
  }
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    await until('Mopidy is connected', () => said.includes('connected to MQTT'), 60_000);
  } catch {
    child.kill('SIGKILL');
    process.stderr.write(`Mopidy has no MQTT extension (Mopidy-MQTT-NG), or did not start, so there is no round trip of it:\n${said}\n`);
    return null;
  }
  return {
    name: `${version}, Mopidy-MQTT-NG`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
