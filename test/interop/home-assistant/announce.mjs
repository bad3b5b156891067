// Announces a Tonearm as the daemon does, until it is ended: `node announce.mjs ADDRESS PORT '{"id": …}'`.
import { Bonjour } from 'bonjour-service';

const [address, port, txt] = process.argv.slice(2);
const service = new Bonjour({ interface: address, bind: '0.0.0.0' }).publish({ name: 'Tonearm', type: 'tonearm', port: Number(port), host: 'tonearm-test.local', txt: JSON.parse(txt), disableIPv6: true });
service.on('up', () => console.log('announced'));
