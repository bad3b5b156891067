import type { Cloud } from '#simulator';

export const services = ['access point', 'dealer', 'connect-state', 'metadata', 'storage', 'CDN'] as const;
export type Service = (typeof services)[number];

export const faults = ['refuse', 'hang', 'cut', 'slow', '401', '429', '500', 'garbage'] as const;
export type Fault = (typeof faults)[number];

/** What "slow" is: every answer comes so much later, in ms. */
const slowness = 4000;
/** What a 429 asks for, in s. */
const pause = 5;

/** How a fault shows at a service that does not speak HTTP, or not only. */
export const equivalents: Readonly<Partial<Record<`${Service} ${Fault}`, string>>> = {
  'access point refuse': 'the connection is reset, new ones are reset at once',
  'access point hang': 'nothing passes, new connections stay silent; afterwards the old connection is reset',
  'access point cut': 'the connection is reset in the middle of a packet, and of each handshake',
  'access point slow': `every packet ${slowness / 1000} s later`,
  'access point 401': 'the connection is reset, the login that follows is answered once with BadCredentials (twice would be final)',
  'access point 429': 'audio keys are refused with 00 02 (throttled); the connection is reset and logins get CouldNotValidateCredentials with a retry delay of 5 s',
  'access point 500': 'the connection is reset, logins are answered with TryAnotherAP',
  'access point garbage': 'random bytes instead of packets and handshakes',
  'dealer refuse': 'the socket is reset, connections are closed without an answer',
  'dealer hang': 'nothing passes, upgrades stay without answer; afterwards the old socket is reset',
  'dealer cut': 'the socket is reset in the middle of a frame, and so is each new one',
  'dealer slow': `every frame ${slowness / 1000} s later`,
  'dealer 401': 'the socket is reset, upgrades are answered 401',
  'dealer 429': `the socket is reset, upgrades are answered 429 with Retry-After ${pause}`,
  'dealer 500': 'the socket is reset, upgrades are answered 500',
  'dealer garbage': 'bytes that are no frame',
  'CDN slow': '4000 bytes per second, less than music needs',
};

const web: Readonly<Partial<Record<Service, string>>> = { 'connect-state': 'connect-state', metadata: 'metadata', storage: 'storage', CDN: 'cdn' };

/** Switches a fault on; dispose to end it. */
export function begin(cloud: Cloud, service: Service, fault: Fault): Disposable {
  const on: Disposable[] = [];
  const set = (...some: Disposable[]) => void on.push(...some);
  const { faults: switches, network } = cloud;
  const route = web[service];
  if (route !== undefined) {
    if (fault === 'refuse') set(switches.drop(route, 'before'));
    else if (fault === 'hang') set(switches.hang(route));
    else if (fault === 'cut') set(switches.endpoint(route, { kind: 'cut' }));
    else if (fault === 'slow') set(service === 'CDN' ? switches.set('cdn/slow', { bytesPerSecond: 4000 }) : switches.hang(route, slowness));
    else if (fault === 'garbage') set(switches.endpoint(route, { kind: 'garbage' }));
    else set(switches.fail(route, Number(fault), fault === '429' ? { headers: { 'Retry-After': String(pause) } } : {}));
  } else if (service === 'dealer') {
    if (fault === 'hang') set(switches.set('dealer/hang'));
    else if (fault === 'slow') set(switches.set('dealer/delay', { by: slowness }));
    else if (fault === 'cut' || fault === 'garbage') {
      set(switches.set(fault === 'cut' ? 'dealer/cut' : 'dealer/garbage'));
      for (const connection of cloud.dealer.connections) if (connection.phone === null) cloud.dealer.noise(connection);
    } else if (fault === 'refuse') {
      cloud.dealer.reachable = false;
      cloud.dealer.cut();
      set({ [Symbol.dispose]: () => void (cloud.dealer.reachable = true) });
    } else {
      set(switches.set('dealer/refuse', { status: Number(fault), ...(fault === '429' && { retryAfter: pause }) }));
      cloud.dealer.cut();
    }
  } else {
    if (fault === 'hang') set(switches.set('access-point/hang'), switches.set('access-point/silence', { from: 'connect' }));
    else if (fault === 'slow') {
      const before = network.latency.accessPoint;
      network.latency.accessPoint = slowness;
      set({ [Symbol.dispose]: () => void (network.latency.accessPoint = before) });
    } else if (fault === 'cut' || fault === 'garbage') {
      set(switches.set(fault === 'cut' ? 'access-point/cut' : 'access-point/garbage'));
      for (const session of cloud.accessPoint.sessions) session.send(0x4f, Buffer.alloc(4));
    } else {
      if (fault === 'refuse') set(switches.set('access-point/unreachable'));
      else if (fault === '401') set(switches.set('access-point/login-failure', { code: 12, count: 1 }));
      else if (fault === '429') set(switches.set('access-point/key-throttle'), switches.set('access-point/login-failure', { code: 13, retryDelay: pause }));
      else set(switches.set('access-point/login-failure', { code: 2 }));
      cloud.accessPoint.cut();
    }
  }
  return { [Symbol.dispose]: () => on.forEach((one) => one[Symbol.dispose]()) };
}
