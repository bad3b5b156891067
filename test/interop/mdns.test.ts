import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const bundle = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const script = fileURLToPath(new URL('mdns.sh', import.meta.url));

/** Why it cannot be tried here; empty when it can. */
function obstacle(): string {
  const has = (program: string) => ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((folder) => existsSync(join(folder, program)));
  const missing = ['avahi-daemon', 'avahi-browse', 'avahi-resolve', 'dbus-daemon', 'ip', 'unshare'].filter((program) => !has(program));
  if (missing.length > 0) return `${missing.join(', ')} not installed`;
  if (!existsSync(bundle)) return 'not built: npm run build';
  try {
    execFileSync('unshare', ['--net', '--mount', 'sh', '-c', 'ip link add lan0 type veth peer name lan1 && ip link add docker0 type bridge && mount -t tmpfs none /run'], { stdio: 'ignore' });
    return '';
  } catch {
    return 'no right to make a network of its own';
  }
}
const why = obstacle();

describe.skipIf(why !== '')(`announced beside Avahi${why === '' ? '' : ` (skipped: ${why})`}`, () => {
  it('is seen with the address of the LAN only, under its own host name, and gone when it ends', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tonearm-mdns-'));
    try {
      const { stdout } = await promisify(execFile)('unshare', ['--net', '--mount', 'bash', script, folder, process.execPath, bundle]);
      const parts = new Map(
        stdout
          .split(/^== /m)
          .slice(1)
          .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1).trim().split('\n').filter((line) => line !== '')]),
      );
      const resolved = (parts.get('found') ?? []).filter((line) => line.startsWith('=')).map((line) => line.split(';'));
      expect(resolved.map(([, link, , name]) => [link, name])).toEqual([['lan0', 'K\\195\\188che']]);
      const [, , , , type, , host, address, port, txt] = resolved[0] ?? [];
      expect(type).toBe('_spotify-connect._tcp');
      expect(host).toMatch(/^tonearm-[0-9a-f]{8}\.local$/);
      expect(address).toBe('192.0.2.1');
      expect(Number(port)).toBeGreaterThan(0);
      expect(txt).toContain('"VERSION=1.0"');
      expect(txt).toMatch(/"CPath=\/[^"]*"/);
      expect(parts.get('host names')).toEqual([`${host ?? ''}\t192.0.2.1`]);
      expect(parts.get('after the end')).toEqual([]);
      expect(parts.get('avahi')).toEqual([expect.stringContaining('Host name is avahi-machine.local')]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
