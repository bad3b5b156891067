import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '#foundation';
import { type Ask, eventually, startPhone } from './lan-phone-process.ts';
import { Avahi, type DaemonOptions, type Home, type Machine, obstacle, openHome, type Running, startDaemonOn } from './lan.ts';

const why = obstacle();
const hasFirewall = existsSync('/usr/sbin/nft');
const hasZeroconf = (() => {
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import zeroconf'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
/** A phone must see the speaker this soon after anything changed (milliseconds; features.md T2). */
const limit = 10_000;
const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

describe.skipIf(why !== '')(`visible whatever the network does${why === '' ? '' : ` (skipped: ${why})`}`, () => {
  const all = new Scope();
  let each = new Scope();
  let folder: string;
  let home: Home;
  let near: Ask;
  let far: Ask;
  const times: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tonearm-visible-'));
    all.defer(() => rm(folder, { recursive: true, force: true }));
    home = all.use(await openHome());
    [near, far] = await Promise.all([startPhone(home.near, folder, 'near'), startPhone(home.far, folder, 'far')]);
  });
  afterEach(async () => {
    await each[Symbol.asyncDispose]();
    each = new Scope();
  });
  afterAll(async () => {
    await all[Symbol.asyncDispose]();
    if (times.length > 0) console.log(['Found and greeted again by a phone without any memory, after:', ...times].join('\n'));
  });

  const daemonOn = async (machine: Machine, options: DaemonOptions): Promise<Running> => {
    const running = await startDaemonOn(machine, options);
    each.defer(async () => {
      await running.stop();
    });
    return running;
  };
  const portOf = ({ output }: Running) => Number(/pairing port (\d+)/.exec(output)?.[1]);
  /** Until a phone that knows nothing finds the speaker where it should be, and is answered by it. */
  const found = async (ask: Ask, name: string, address: string, most = limit) => {
    const began = performance.now();
    const { deviceId } = await eventually(() => ask('find', name), ({ url }) => url.startsWith(`http://${address}:`), most);
    return { deviceId, time: performance.now() - began };
  };
  const foundAgain = async (what: string, ask: Ask, name: string, address: string) => {
    const { time } = await found(ask, name, address);
    times.push(`  ${(time / 1000).toFixed(1)} s  ${what}`);
    expect(time).toBeLessThan(limit);
  };
  /** When the network was told about the speaker without having asked (Unix milliseconds). */
  const announcedAfter = async (what: string, ask: Ask, name: string, from: number, most = limit) => {
    const { at } = await eventually(
      async () => (await ask('answers')).find(({ at, records }) => at > from && records.some(({ type }) => type === 'PTR') && records.some((record) => record.type === 'SRV' && record.name.startsWith(`${name}.`))) ?? { at: 0 },
      (answer) => answer.at > 0,
      most,
    );
    times.push(`  ${((at - from) / 1000).toFixed(1)} s  ${what} (told without asking)`);
    expect(at - from).toBeLessThan(most);
  };
  /** The speaker's address on its first link becomes another. */
  const move = async (from: string, to: string) => {
    // In this order: with its first address an interface loses the others of the same network.
    await home.speaker.ip(`address del ${from}/24 dev lan0`);
    await home.speaker.ip(`address add ${to}/24 dev lan0`);
  };
  const now = () => performance.timeOrigin + performance.now();

  it('shows each of two phones the addresses of its own link, and containers and tunnels nothing', async () => {
    const running = await daemonOn(home.speaker, { name: 'Kitchen' });
    const port = portOf(running);
    expect((await found(near, 'Kitchen', '192.0.2.1')).deviceId).toBe((await found(far, 'Kitchen', '198.51.100.1')).deviceId);
    await pause(3500);
    for (const [ask, addresses] of [[near, ['192.0.2.1', 'fd00:7::1']], [far, ['198.51.100.1']]] as const) {
      const records = (await ask('answers')).flatMap((answer) => answer.records);
      const own = records.filter(({ type, name }) => ['A', 'AAAA'].includes(type) && name.startsWith('tonearm-'));
      // The other link has no global IPv6 address, and a link-local one is not announced beside IPv4.
      expect([...new Set(own.map(({ data }) => data))].sort()).toEqual(addresses);
    }
    for (const address of ['192.0.2.1', '[fd00:7::1]']) expect((await near('info', `http://${address}:${port}/zc`)).name).toBe('Kitchen');
    for (const link of ['docker0', 'br-0123456789ab', 'virbr0', 'veth1234', 'wg0']) {
      expect(running.output).toMatch(new RegExp(`${link}, which (belongs to containers|belongs to virtual machines|is a tunnel or VPN)`));
      expect(await home.speaker.run('ip', ['maddress', 'show', 'dev', link])).not.toMatch(/224\.0\.0\.251|ff02::fb/);
    }
    for (const link of ['lan0', 'lan1']) expect(await home.speaker.run('ip', ['maddress', 'show', 'dev', link])).toMatch(/224\.0\.0\.251/);
    // RFC 6762 §8.3: told twice, one second apart.
    const told = (await far('answers')).filter(({ records }) => records.some(({ type }) => type === 'PTR') && records.some(({ name }) => name.startsWith('Kitchen.'))).map(({ at }) => at);
    expect(Math.min(...told.slice(1).map((at) => Math.abs(at - (told[0] ?? 0) - 1000)))).toBeLessThan(300);
  });

  it('is found through the whole life of a network', async () => {
    const { speaker } = home;
    const name = 'Cellar';
    const running = await daemonOn(speaker, { name });
    await found(near, name, '192.0.2.1');
    await found(far, name, '198.51.100.1');

    await move('192.0.2.1', '192.0.2.50');
    await foundAgain('another address (DHCP)', near, name, '192.0.2.50');
    await move('192.0.2.50', '192.0.2.1');
    await foundAgain('the old address again', near, name, '192.0.2.1');

    await speaker.ip('link set lan0 down');
    await pause(5000);
    await speaker.ip('link set lan0 up');
    let from = now();
    await foundAgain('interface down for 5 s', near, name, '192.0.2.1');
    await announcedAfter('interface down for 5 s', near, name, from);

    await speaker.ip('link set lan0 down');
    await pause(300);
    await speaker.ip('link set lan0 up');
    from = now();
    await foundAgain('interface down for 0.3 s', near, name, '192.0.2.1');
    await announcedAfter('interface down for 0.3 s', near, name, from);

    await home.switch.ip('link set port1 down');
    await pause(1000);
    await home.switch.ip('link set port1 up');
    from = now();
    await foundAgain('cable out for 1 s', near, name, '192.0.2.1');
    await announcedAfter('cable out for 1 s', near, name, from);

    await speaker.ip('link del lan1');
    await pause(1000);
    await speaker.ip(`link add lan1 type veth peer name lan0 netns ${home.far.pid}`);
    await home.far.ip('link set lan0 up');
    await home.far.ip('address add 198.51.100.2/24 dev lan0');
    await home.far.ip('route add default via 198.51.100.254');
    await speaker.ip('link set lan1 up');
    await speaker.ip('address add 198.51.100.1/24 dev lan1');
    await foundAgain('interface taken out and put in again (second link)', far, name, '198.51.100.1');
    await found(near, name, '192.0.2.1');

    await speaker.ip('route del default').catch(() => undefined); // went with the link when it was down
    await speaker.ip('route add default via 192.0.2.253');
    from = now();
    await announcedAfter('another router', near, name, from);

    await pause(4000);
    running.child.kill('SIGSTOP');
    await pause(9000);
    running.child.kill('SIGCONT');
    from = now();
    await foundAgain('process asleep for 9 s', near, name, '192.0.2.1');
    await announcedAfter('process asleep for 9 s', near, name, from);
    expect(running.output).toContain('asleep');
    await home.far.ip('link set lan0 up');
  });

  it('announces and listens on one address only when told so, and follows names, patterns and exclusions', async () => {
    const { speaker } = home;
    const one = await daemonOn(speaker, { name: 'Only', discovery: { address: '198.51.100.1' } });
    await found(far, 'Only', '198.51.100.1');
    expect((await near('find', 'Only')).url).toBe('');
    await one.stop();
    const two = await daemonOn(speaker, { name: 'Pattern', discovery: { interfaces: ['lan*', 'docker0'], exclude: ['198.51.100.0/24'] } });
    await found(near, 'Pattern', '192.0.2.1');
    expect((await far('find', 'Pattern')).url).toBe('');
    expect(two.output).toMatch(/Phones can find “Pattern” on [^\n]*docker0 \(172\.17\.0\.1\)/);
    expect(two.output).toContain('lan1, which is excluded by discovery.exclude');
  });

  it('says nothing of phones while there is no network, and announces when one comes', async () => {
    const { speaker } = home;
    for (const link of ['lan0', 'lan1']) await speaker.ip(`link set ${link} down`);
    const running = await daemonOn(speaker, { name: 'Alone' });
    await running.said('There is no network to be found on');
    expect(running.output).not.toContain('Phones can find');
    for (const link of ['lan0', 'lan1']) await speaker.ip(`link set ${link} up`);
    await foundAgain('the first network of all', near, 'Alone', '192.0.2.1');
    await running.said('Phones can find “Alone” on lan0');
  });

  it.skipIf(!hasZeroconf)(`is the same to Avahi and to python-zeroconf${hasZeroconf ? '' : ' (skipped: python3-zeroconf not installed)'}`, async () => {
    const avahi = await Avahi.start(home.near, join(folder, 'avahi-near'), 'phone-machine');
    each.defer(() => avahi.stop());
    // The system takes such an address away when the link goes down.
    await home.speaker.ip('address replace fd00:7::1/64 dev lan0 nodad');
    const running = await daemonOn(home.speaker, { name: 'Küche' });
    const [first] = await eventually(() => avahi.browse(), (list) => list.some(({ address }) => address === '192.0.2.1'));
    const script = fileURLToPath(new URL('zeroconf-browse.py', import.meta.url));
    const lines = await home.near.run('/usr/bin/python3', [script, '_spotify-connect._tcp.local.', '3']);
    const [seen, ...others] = lines.trim().split('\n').map((line) => JSON.parse(line) as unknown);
    expect(others).toEqual([]);
    expect(seen).toEqual({ name: 'Küche._spotify-connect._tcp.local.', host: `${first?.host}.`, port: portOf(running), addresses: ['192.0.2.1', 'fd00:7::1'], txt: { VERSION: '1.0', CPath: '/zc', Stack: 'SP' } });
    expect(first).toMatchObject({ name: 'Küche', port: portOf(running), address: '192.0.2.1' });
    expect([...(first?.txt ?? [])].sort()).toEqual(['CPath=/zc', 'Stack=SP', 'VERSION=1.0']);
  });

  it('lets Avahi announce where it runs, and does it alone where it does not', async () => {
    const place = join(folder, 'avahi-speaker');
    let avahi = await Avahi.start(home.speaker, place, 'music-box');
    each.defer(() => avahi.stop());
    const name = 'Attic';
    const running = await daemonOn(home.speaker, { name, env: avahi.env });
    await running.said(/Phones can find “Attic” on .* through Avahi/);
    const port = portOf(running);
    await foundAgain('first announced through Avahi', near, name, '192.0.2.1');
    await found(far, name, '198.51.100.1');
    // No second responder: the port is Avahi's alone.
    expect(await openPorts(home.speaker, running.child.pid)).toBe(0);
    // The machine's name is Avahi's, who knows it by any of its addresses.
    expect(await avahi.resolve('music-box.local')).toMatch(/^(192\.0\.2\.1|198\.51\.100\.1|10\.8\.0\.2|172\.1[78]\.0\.1|192\.168\.122\.1)$/);
    const seen = await avahi.browse();
    expect(new Set(seen.map(({ host }) => host))).toEqual(new Set([expect.stringMatching(/^tonearm-[0-9a-f]{8}\.local$/)]));
    expect(new Set(seen.map(({ link }) => link))).toEqual(new Set(['lan0', 'lan1']));

    await move('192.0.2.1', '192.0.2.60');
    await foundAgain('another address, through Avahi', near, name, '192.0.2.60');
    await move('192.0.2.60', '192.0.2.1');
    await foundAgain('the old address again, through Avahi', near, name, '192.0.2.1');

    await avahi.stop();
    await foundAgain('Avahi stopped', near, name, '192.0.2.1');
    expect(running.output).toContain('Avahi does not run any more');
    expect(await openPorts(home.speaker, running.child.pid)).toBeGreaterThan(0);
    avahi = await avahi.again(place);
    await eventually(() => openPorts(home.speaker, running.child.pid), (count) => count === 0);
    await foundAgain('Avahi started again', near, name, '192.0.2.1');
    await found(far, name, '198.51.100.1');
    expect((await avahi.browse()).every((one) => one.name === name && one.port === port)).toBe(true);
    expect(avahi.log).not.toMatch(/conflict/i);
    expect(running.output).not.toContain('has the same name');

    const since = now();
    expect(await running.stop()).toBe(0);
    await eventually(() => near('gone'), (names) => names.includes(name), 3000);
    expect(now() - since).toBeLessThan(5000);
  });

  it('does itself what Avahi is not allowed to', async () => {
    const avahi = await Avahi.start(home.speaker, join(folder, 'avahi-shy'), 'shy-box', 'deny-interfaces=lan1');
    each.defer(() => avahi.stop());
    const running = await daemonOn(home.speaker, { name: 'Shy', env: avahi.env });
    await found(near, 'Shy', '192.0.2.1');
    await running.said('Avahi does not answer on lan1', 60_000);
    await found(far, 'Shy', '198.51.100.1');
    await running.said(/Phones can find “Shy” on lan0 [^\n]* through Avahi and lan1 \([^)]*\)\./);
    await found(near, 'Shy', '192.0.2.1');
  });

  it.skipIf(!hasFirewall)(`notices that a firewall hides it, says so once, and notices when it is found again${hasFirewall ? '' : ' (skipped: nft not installed)'}`, async () => {
    const { speaker } = home;
    const rule = (line: string) => speaker.run('/usr/sbin/nft', [line]);
    await rule('add table inet wall');
    each.defer(() => rule('delete table inet wall').catch(() => undefined));
    await rule('add chain inet wall in { type filter hook input priority 0; }');
    await rule('add rule inet wall in iifname "lan0" udp dport 5353 drop');
    const running = await daemonOn(speaker, { name: 'Walled' });
    await running.said('The speaker does not find itself on lan0', 40_000);
    expect(running.output).toContain('let UDP port 5353 in');
    expect(running.output).toContain('host/not-found');
    await rule('delete table inet wall');
    await running.said('Phones can find the speaker.', 20_000);
    expect(running.output.match(/does not find itself/g)).toHaveLength(1);
  });

  it('tells when another device has the same device id, and both stay reachable', async () => {
    let data = '';
    const first = await daemonOn(home.speaker, { name: 'Original', onFolder: (path) => (data = path) });
    await found(near, 'Original', '192.0.2.1');
    const second = await daemonOn(home.near, { name: 'Copy', id: 'original', copyOf: data });
    await second.said('has the same device id as this speaker', 30_000);
    expect(second.output).toMatch(/“Original” at http:\/\/192\.0\.2\.1:\d+\/zc has the same device id/);
    await eventually(async () => first.output, (output) => output.includes('“Copy” at http://192.0.2.2'), 75_000);
    await found(near, 'Original', '192.0.2.1');
  });

  it('comes back by itself after multicast was dropped for a while', async () => {
    const name = 'Porch';
    await daemonOn(home.speaker, { name });
    const { deviceId } = await found(near, name, '192.0.2.1');
    // Five minutes in each hour become 12 s in 32 s, a probe each minute one each second: what is measured does not depend on how long the
    // silence lasts, but on what happens after it.
    const gaps: number[] = [];
    let longest = 0;
    const missed: string[] = [];
    for (let hour = 0; hour < 3; hour++) {
      await home.dropMulticast(true);
      const start = now();
      expect((await near('find', name)).url).toBe('');
      await pause(Math.max(0, start + 12_000 - now()));
      await home.dropMulticast(false);
      const heard = now();
      const again = await found(near, name, '192.0.2.1');
      expect(again.deviceId).toBe(deviceId);
      gaps.push(now() - heard);
      for (let last = now(), end = heard + 20_000; now() < end; await pause(1000)) {
        const probe = await near('find', name);
        if (probe.deviceId !== deviceId) missed.push(probe.why);
        else {
          longest = Math.max(longest, now() - last);
          last = now();
        }
      }
    }
    times.push(`  ${(Math.max(...gaps) / 1000).toFixed(1)} s  multicast dropped for 12 s, the longest of ${gaps.length}`);
    times.push(`  ${(longest / 1000).toFixed(1)} s  longest time between two probes that found it, while multicast got through (one a second; ${missed.length} missed: ${missed.join(', ') || 'none'})`);
    expect(Math.max(...gaps)).toBeLessThan(limit);
    expect(longest).toBeLessThan(limit);
    // Whoever only listens hears of it within a minute.
    await announcedAfter('any moment', near, name, now(), 62_000);
  }, 300_000);
});

/** How many sockets a process has at the mDNS port. */
async function openPorts(machine: Machine, pid: number | undefined): Promise<number> {
  const list = await machine.run('ss', ['-Hulnp', 'sport = :5353']);
  return list.split('\n').filter((line) => line.includes(`pid=${pid},`)).length;
}
