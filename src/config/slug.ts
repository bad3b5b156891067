/** Letters that lose more than an accent when made ASCII. Lower case; everything else is decomposed and stripped. */
const letters: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'ä ae', 'ö oe', 'ü ue', 'ß ss', 'æ ae', 'œ oe', 'ø oe', 'å aa', 'đ d', 'ð d', 'þ th', 'ł l', 'ħ h', 'ı i', 'ŋ ng',
    // Russian, Ukrainian, Bulgarian
    'а a', 'б b', 'в v', 'г g', 'ґ g', 'д d', 'е e', 'ё e', 'є ye', 'ж zh', 'з z', 'и i', 'і i', 'ї yi', 'й y', 'к k', 'л l', 'м m', 'н n', 'о o',
    'п p', 'р r', 'с s', 'т t', 'у u', 'ф f', 'х kh', 'ц ts', 'ч ch', 'ш sh', 'щ shch', 'ъ ', 'ы y', 'ь ', 'э e', 'ю yu', 'я ya',
    // Greek
    'α a', 'β v', 'γ g', 'δ d', 'ε e', 'ζ z', 'η i', 'θ th', 'ι i', 'κ k', 'λ l', 'μ m', 'ν n', 'ξ x', 'ο o', 'π p', 'ρ r', 'σ s', 'ς s', 'τ t',
    'υ y', 'φ f', 'χ ch', 'ψ ps', 'ω o',
  ].map((pair) => pair.split(' ')),
) as Record<string, string>;

/** Names the topic tree needs for itself (`home-integrations.md §5.2`). */
export const reservedIds: readonly string[] = ['bridge', 'group'];

export const idPattern = /^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$/;

/**
 * The id a zone gets from its name when it is given none: lower-case ASCII, words joined by `-`, at most 40 characters.
 * `Küche` → `kueche`, `Salle à manger` → `salle-a-manger`. A name without any letter we can spell gets `zone-` and a number made from it;
 * other things with names have another `kind`.
 */
export function slugOf(name: string, kind = 'zone'): string {
  let spelled = '';
  for (const letter of name.normalize('NFC').toLowerCase()) {
    const own = letters[letter];
    if (own !== undefined) spelled += own;
    // Decomposed: the base letter first, then its accents, which the next step drops.
    else spelled += Array.from(letter.normalize('NFKD'), (part) => letters[part] ?? part.replace(/[\u0300-\u036f'’`]/, '')).join('');
  }
  const slug = spelled.replace(/[^a-z0-9]+/g, '-').slice(0, 40).replace(/^-+|-+$/g, '');
  if (slug === '') return `${kind}-${hash(name)}`;
  return reservedIds.includes(slug) ? `${slug}-${kind}` : slug;
}

/** FNV-1a, 32 bit: stable, short, and nothing here needs more. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return (value >>> 0).toString(16).padStart(8, '0');
}
