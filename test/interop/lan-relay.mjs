// Carries TCP between machines that share a file system: `node lan-relay.mjs FROM=TO …`, each a port of loopback or of an address (`192.0.2.1:80`), or the path of a socket.
import { connect, createServer } from 'node:net';

const place = (text) => {
  const [, host = '127.0.0.1', port] = /^(?:([\d.]+):)?(\d+)$/.exec(text) ?? [];
  return port === undefined ? { path: text } : { host, port: Number(port) };
};
await Promise.all(
  process.argv.slice(2).map((pair) => {
    const [from = '', to = ''] = pair.split('=');
    const server = createServer((near) => {
      const far = connect(place(to));
      near.on('error', () => far.destroy()).on('close', () => far.destroy());
      far.on('error', () => near.destroy()).on('close', () => near.destroy());
      near.pipe(far).pipe(near);
    });
    return new Promise((resolve) => server.listen(place(from), resolve));
  }),
);
console.log('relaying');
