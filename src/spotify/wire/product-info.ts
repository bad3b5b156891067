import { WireError } from './wire-error.ts';

/** What the account may do, as the access point tells it: `connect-session.md §5.7`. */

const longestDocument = 1 << 20;
const mostEntries = 4096;
const entities = new Map([['amp', '&'], ['lt', '<'], ['gt', '>'], ['quot', '"'], ['apos', "'"]]);

/**
 * The leaf elements of the first `<product>`, name → text. Tolerant: broken XML gives what could be read up to there, never
 * an error, because a session must not end over it. Of repeated names the first counts.
 */
export function parseProductInfo(bytes: Uint8Array): Map<string, string> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, longestDocument)).toString('utf8');
  const entries = new Map<string, string>();
  let open: string | null = null; // the element whose text is being collected
  let content = '';
  let inside = false; // of <product>
  let at = 0;
  while (at < text.length && entries.size < mostEntries) {
    const mark = text.indexOf('<', at);
    if (mark < 0) break;
    if (open !== null) content += decodeEntities(text.slice(at, mark));
    const special = skipSpecial(text, mark);
    if (special) {
      content += special.text;
      at = special.end;
      continue;
    }
    const close = text.indexOf('>', mark);
    if (close < 0) break;
    at = close + 1;
    const tag = text.slice(mark + 1, close).trim();
    const name = /^\/?([^\s/]+)/.exec(tag)?.[1] ?? '';
    if (name === 'product') {
      if (tag.startsWith('/') && inside) break;
      inside = true;
      open = null;
    } else if (tag.startsWith('/')) {
      if (inside && open === name && !entries.has(name)) entries.set(name, content.trim());
      open = null;
    } else if (tag.endsWith('/')) {
      if (inside && name !== '' && !entries.has(name)) entries.set(name, '');
      open = null;
    } else {
      open = inside ? name : null;
      content = '';
    }
  }
  return entries;
}

/** The document an access point would send. Names must be names of XML elements. */
export function encodeProductInfo(entries: ReadonlyMap<string, string>): Buffer {
  let body = '';
  for (const [name, value] of entries) {
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) throw new WireError('wire/bad-product-info', 'A product attribute has a name that XML cannot carry.');
    body += `<${name}>${value.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')}</${name}>`;
  }
  return Buffer.from(`<?xml version="1.0" encoding="utf-8"?><products><product>${body}</product></products>`, 'utf8');
}

/** Comments, CDATA, declarations and processing instructions: where they end and what text they stand for. */
function skipSpecial(text: string, mark: number): { readonly end: number; readonly text: string } | null {
  const until = (end: string, start: number): number => {
    const found = text.indexOf(end, start);
    return found < 0 ? text.length : found;
  };
  if (text.startsWith('<!--', mark)) return { end: until('-->', mark + 4) + 3, text: '' };
  if (text.startsWith('<![CDATA[', mark)) {
    const end = until(']]>', mark + 9);
    return { end: end + 3, text: text.slice(mark + 9, end) };
  }
  if (text.startsWith('<?', mark)) return { end: until('?>', mark + 2) + 2, text: '' };
  if (text.startsWith('<!', mark)) return { end: until('>', mark + 2) + 1, text: '' };
  return null;
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(#[0-9]{1,7}|#x[0-9a-fA-F]{1,6}|[a-z]{1,8});/g, (whole, name: string) => {
    if (!name.startsWith('#')) return entities.get(name) ?? whole;
    const code = name.startsWith('#x') ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
