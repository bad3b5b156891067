import { describe, expect, it } from 'vitest';
import { decodeWelcome, Packet } from '#spotify/wire';
import { openCloud } from './index.ts';
import { ask, getClientToken, logIn5, RawAccessPoint, RawDealer, speakerState, testDevice } from './receiver.fixture.ts';

describe('openCloud', () => {
  it('serves a receiver from the directory to the device list', async () => {
    const cloud = await openCloud({ catalogue: [{ title: 'One', duration: 1000, files: [{ format: 2, content: { bytes: Buffer.from('OggS plain') } }] }] });
    try {
      const { endpoints } = cloud;
      const directory = await ask(`${endpoints.directory}/?type=accesspoint&type=dealer`);
      const lists = JSON.parse(directory.body.toString()) as { accesspoint: [string]; dealer: [string] };
      expect(Object.keys(lists)).toEqual(['accesspoint', 'dealer']);
      const account = cloud.accounts.get('listener');
      const ap = new RawAccessPoint(Number(lists.accesspoint[0].split(':')[1]));
      await ap.handshake(endpoints.serverKey);
      const welcome = await ap.logIn('listener', 1, cloud.accounts.pairingCredential(account).data);
      expect(welcome.command).toBe(Packet.welcome);
      const { data } = decodeWelcome(welcome.payload);
      await ap.packet(Packet.countryCode);
      const product = await ap.packet(Packet.productInfo);
      expect(product.payload.toString()).toContain('<type>premium</type>');
      const clientToken = await getClientToken(endpoints);
      const token = await logIn5(endpoints, clientToken, 'listener', data);
      const dealer = new RawDealer(`ws://${lists.dealer[0]}/?access_token=${token}`);
      const id = await dealer.connectionId();
      const put = await ask(`http://${lists.dealer[0]}/connect-state/v1/devices/${testDevice}`, {
        method: 'PUT',
        headers: { Authorization: `Bearer ${token}`, 'client-token': clientToken, 'X-Spotify-Connection-Id': id, 'Content-Type': 'application/x-protobuf' },
        body: speakerState({ now: Date.now() }),
      });
      expect(put.status).toBe(200);
      const phone = await cloud.openPhone();
      await phone.until((cluster) => testDevice in cluster.device, AbortSignal.timeout(2000));
      const playing = phone.play(cloud.contexts.everything);
      const body = await dealer.answer();
      expect(body).toMatchObject({ command: { endpoint: 'play', context: { uri: cloud.contexts.everything } } });
      await playing;
      expect(cloud.refusals).toEqual([]);
      ap.close();
      dealer.close();
    } finally {
      await cloud[Symbol.asyncDispose]();
    }
  });
});
