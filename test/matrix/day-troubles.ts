import type { Chance } from '../kit/chance.ts';
import type { ListeningRoom, Road } from '../kit/listening-room.ts';
import type { Judge } from './day-judge.ts';

/** After the end of a trouble everything has to agree within this time: the longest pause before another try (15 s for a report, 10 s for the
 * dealer, jitter included), and the try. In ms. */
const soon = 20_000;
/** After a line that was half open: what was lost shows when the next ping finds it dead. */
const found = 40_000;

export interface Victims {
  readonly room: ListeningRoom;
  readonly chance: Chance;
  readonly judge: Judge;
  /** For the diary. */
  readonly note: (what: string) => void;
}

/** Something goes wrong for a while; the judge is told what keeps news from passing, and what keeps music from coming. */
export function goWrong({ room, chance, judge, note }: Victims): void {
  const { cloud, clock } = room;
  const time = Math.round(chance.pick([() => chance.between(500, 5000), () => chance.between(5000, 30_000), () => chance.between(30_000, 120_000)])());
  const cut = (roads: readonly Road[]) => {
    note(`cut ${roads.join('+')} for ${time} ms`);
    room.cut(time, roads);
    if (roads.includes('dealer') || roads.includes('web')) judge.trouble(`cut ${roads.join('+')}`, time, soon);
    else judge.disturbance(time, soon);
  };
  const during = (lasting: number, fault: Disposable) => void clock.timer(lasting, () => fault[Symbol.dispose]());
  switch (chance.weighed({ dealer: 4, accessPoint: 4, web: 3, cdn: 4, all: 4, redeploy: 3, deaf: 2, tokens: 3, clientTokens: 2, limit: 2, refused: 3, slow: 2, wrongClock: 2, account: 2, playlist: 2 })) {
    case 'dealer':
      cut(['dealer']);
      return;
    case 'accessPoint':
      // New tracks have to wait for their key; everybody knows that they do.
      cut(['access-point']);
      return;
    case 'web':
      cut(['web']);
      return;
    case 'cdn':
      cut(['cdn']);
      return;
    case 'all':
      cut(['access-point', 'dealer', 'web', 'cdn']);
      return;
    case 'redeploy':
      note('redeploy');
      for (const connection of cloud.dealer.connections) if (connection.phone === null) connection.close(1001, 'redeploy');
      judge.trouble('redeploy', 0, soon);
      return;
    case 'deaf':
      // Half open: what is sent arrives nowhere, and no pong comes.
      note(`deaf for ${time} ms`);
      during(time, cloud.faults.set('dealer/hang'));
      judge.trouble('deaf', time, found);
      return;
    case 'tokens':
      note('tokens expire');
      cloud.accounts.expireAccessTokens();
      return;
    case 'clientTokens':
      note('client-tokens expire');
      cloud.accounts.expireClientTokens();
      return;
    case 'limit': {
      const lasting = 10_000;
      note('limit');
      during(lasting, cloud.faults.set('connect-state/rate-limit', { count: chance.below(3) + 1, retryAfter: 5 }));
      judge.trouble('limit', lasting, soon);
      return;
    }
    case 'refused': {
      const route = chance.pick(['connect-state', 'metadata', 'storage', 'context', 'login5']);
      const status = chance.pick([500, 502, 503]);
      note(`refused ${route} ${status} for ${time} ms`);
      during(time, cloud.faults.fail(route, status));
      if (route === 'connect-state' || route === 'login5') judge.trouble(`refused ${route}`, time, soon);
      else judge.disturbance(time, soon);
      return;
    }
    case 'slow':
      note(`slow for ${time} ms`);
      cloud.network.latency.http = 2500;
      cloud.network.latency.dealer = 800;
      clock.timer(time, () => Object.assign(cloud.network.latency, { http: 20, dealer: 20 }));
      judge.trouble('slow', time, soon);
      return;
    case 'wrongClock': {
      // Only this machine's clock is set; the cloud's stays.
      const by = Math.round(chance.between(-90_000, 90_000));
      note(`wrong-clock ${by}`);
      clock.jump(by);
      cloud.time.shift -= by;
      return;
    }
    case 'account':
      note('account');
      cloud.pushes.attributes(cloud.accounts.get('listener'), { 'loudness-levels': '1:-9.0,0.0,3.0:-2.0' });
      return;
    case 'playlist':
      note('playlist');
      cloud.pushes.playlistChanged(cloud.accounts.get('listener'), room.albumOf('Long 0'));
      return;
  }
}
