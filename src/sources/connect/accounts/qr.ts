/** Longer addresses make codes that no phone reads off a terminal. */
const longest = 300;

/** An address as a QR code: half blocks for a terminal (light on dark), and a picture. Null when it is too long. */
export async function qrOf(address: string): Promise<{ readonly text: string; readonly svg: string } | null> {
  if (address.length > longest) return null;
  // Here and not at the top: most owners never log in this way.
  const { renderSVG, renderUnicodeCompact } = await import('uqr');
  return { text: renderUnicodeCompact(address, { border: 2, ecc: 'L' }), svg: renderSVG(address, { border: 2, ecc: 'L', pixelSize: 6 }) };
}
