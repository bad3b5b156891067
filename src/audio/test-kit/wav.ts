/** A WAV file of these samples. `length`: what its head claims, for files that are written while they are spoken. */
export function encodeWav(channels: readonly Float32Array[], rate: number, { bits = 16, isFloat = false, length = null, extensible = false }: { bits?: 8 | 16 | 24 | 32; isFloat?: boolean; length?: number | null; extensible?: boolean } = {}): Buffer {
  const frames = channels[0]?.length ?? 0;
  const width = bits / 8;
  const body = Buffer.alloc(frames * channels.length * width);
  let at = 0;
  for (let frame = 0; frame < frames; frame++) {
    for (const samples of channels) {
      const sample = samples[frame] ?? 0;
      if (isFloat) body.writeFloatLE(sample, at);
      else if (bits === 8) body.writeUInt8(Math.round(sample * 127) + 128, at);
      else body.writeIntLE(Math.round(sample * (2 ** (bits - 1) - 1)), at, width);
      at += width;
    }
  }
  const form = Buffer.alloc(extensible ? 40 : 16);
  form.writeUInt16LE(extensible ? 0xfffe : isFloat ? 3 : 1, 0);
  form.writeUInt16LE(channels.length, 2);
  form.writeUInt32LE(rate, 4);
  form.writeUInt32LE(rate * channels.length * width, 8);
  form.writeUInt16LE(channels.length * width, 12);
  form.writeUInt16LE(bits, 14);
  if (extensible) form.writeUInt16LE(isFloat ? 3 : 1, 24);
  const chunk = (name: string, content: Buffer, claimed = content.length) => {
    const head = Buffer.alloc(8, name, 'latin1');
    head.writeUInt32LE(claimed, 4);
    return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
  };
  const parts = Buffer.concat([Buffer.from('WAVE'), chunk('fmt ', form), chunk('LIST', Buffer.from('INFOISFT\x05\0\0\0Test\0', 'latin1')), chunk('data', body, length ?? body.length)]);
  return chunk('RIFF', parts, length ?? parts.length);
}
