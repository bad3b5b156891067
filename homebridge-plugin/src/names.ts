/** Longest name HomeKit keeps whole, in UTF-8 bytes. */
const longest = 64;

/**
 * A name HomeKit accepts and Siri can say: letters, digits, spaces and `' , . -` inside, a letter or digit at both ends, at least two; no emoji.
 * `fallback` helps out where too little is left.
 */
export function homeName(text: string, fallback: string): string {
  const plain = text
    .normalize('NFC')
    .replace(/[‘’`´]/gu, "'")
    .replace(/&/gu, ' and ')
    .replace(/[–—_/|:;+·•]/gu, ' - ')
    .replace(/[^\p{L}\p{N} ',.-]/gu, ' ')
    .replace(/\s+/gu, ' ')
    .replace(/^[^\p{L}\p{N}]+/u, '');
  let name = '';
  for (const letter of plain) {
    if (Buffer.byteLength(name + letter) > longest) break;
    name += letter;
  }
  name = name.replace(/[^\p{L}\p{N}]+$/u, '');
  return name === '' ? fallback : /^.$/u.test(name) ? `${fallback} ${name}` : name;
}
