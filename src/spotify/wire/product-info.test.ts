import { describe, expect, it } from 'vitest';
import { encodeProductInfo, parseProductInfo } from './product-info.ts';
import { WireError } from './wire-error.ts';

const parse = (text: string): Record<string, string> => Object.fromEntries(parseProductInfo(Buffer.from(text)));
const document = `<?xml version="1.0" encoding="utf-8"?>
<products><product>
  <type>premium</type><catalogue>premium</catalogue>
  <head-files-url>http://heads-fa.spotify.com/head/{file_id}</head-files-url>
  <image-url>https://i.scdn.co/image/{file_id}</image-url>
  <filter-explicit-content>0</filter-explicit-content><autoplay>1</autoplay>
  <!-- several <hundred> more -->
  <empty/><also-empty></also-empty>
</product></products>`;

describe('product information', () => {
  it('is a flat map of the first product', () => {
    expect(parse(document)).toEqual({
      type: 'premium', catalogue: 'premium', 'head-files-url': 'http://heads-fa.spotify.com/head/{file_id}', 'image-url': 'https://i.scdn.co/image/{file_id}',
      'filter-explicit-content': '0', autoplay: '1', empty: '', 'also-empty': '',
    });
  });

  it.each([
    ['entities', '<product><a>1 &lt; 2 &amp;&amp; &#252; &#xFC; &quot;x&quot; &apos; &unknown; &#x110000; & ;</a></product>', { a: '1 < 2 && ü ü "x" \' &unknown; &#x110000; & ;' }],
    ['character data', '<product><a>x<![CDATA[<b>&amp;</b>]]>y</a></product>', { a: 'x<b>&amp;</b>y' }],
    ['attributes and spaces', '<products >\n<product id="1"><a lang="en" > x </a ></product>', { a: 'x' }],
    ['only the first product', '<product><a>1</a></product><product><a>2</a><b>3</b></product>', { a: '1' }],
    ['the first of the same name', '<product><a>1</a><a>2</a></product>', { a: '1' }],
    ['leaves only', '<product><outer><inner>1</inner></outer></product>', { inner: '1' }],
    ['nothing outside a product', '<products><a>1</a></products>', {}],
    ['no end', '<product><a>1</a><b>2', { a: '1' }],
    ['a broken tag', '<product><a>1</a><b>2</c><d>3</d', { a: '1' }],
    ['text', 'no markup at all', {}],
    ['nothing', '', {}],
    ['names of objects', '<product><__proto__>x</__proto__><constructor>y</constructor></product>', { ['__proto__']: 'x', constructor: 'y' }],
    ['an unfinished comment', '<product><a>1</a><!-- ', { a: '1' }],
    ['an unfinished section', '<product><a>1</a><b><![CDATA[x', { a: '1' }],
  ])('%s', (_name, text, expected) => {
    expect([...parseProductInfo(Buffer.from(text))]).toEqual(Object.entries(expected));
  });

  it('round-trips', () => {
    const entries = new Map([['type', 'premium'], ['name', 'A & B <c> "d" ü'], ['empty', '']]);
    expect(parseProductInfo(encodeProductInfo(entries))).toEqual(entries);
    expect(() => encodeProductInfo(new Map([['a b', '']]))).toThrow(WireError);
  });

  it('survives truncation at every byte with what was read up to there', () => {
    const whole = parseProductInfo(Buffer.from(document));
    for (let end = 0; end < document.length; end++) {
      for (const [name, value] of parseProductInfo(Buffer.from(document).subarray(0, end))) expect(whole.get(name)).toBe(value);
    }
  });

  it('stays linear and bounded on hostile input', () => {
    const started = process.cpuUsage().user;
    for (const text of ['<'.repeat(500_000), '<!--'.repeat(200_000), `<product>${'<a>'.repeat(300_000)}`, `<product><a>${'&'.repeat(500_000)}</a>`, `<product><a>${'&#'.repeat(300_000)}`]) {
      expect(parseProductInfo(Buffer.from(text)).size).toBeLessThan(2);
    }
    const many = Array.from({ length: 50_000 }, (_, i) => `<k${i}/>`).join('');
    expect(parseProductInfo(Buffer.from(`<product>${many}`)).size).toBe(4096);
    expect((process.cpuUsage().user - started) / 1e6).toBeLessThan(5);
  });
});
