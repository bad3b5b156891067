import http from 'node:http';
import { parseGetInfo } from '#spotify/wire';

const longestAnswer = 64 * 1024;

/** The device id that a speaker at `url` gives (`getInfo`, `connect-session.md §10.3`); null when there is none or it does not answer. */
export async function askDeviceId(url: string, signal: AbortSignal): Promise<string | null> {
  try {
    const text = await get(`${url}?action=getInfo`, signal);
    return parseGetInfo(text).deviceId || null;
  } catch {
    return null; // away, or no speaker
  }
}

function get(url: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > longestAnswer) request.destroy(new Error('It talks too much.'));
        else chunks.push(chunk);
      });
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
