/** UTF-8 that may be broken off in the middle of a character, as tokens break it. */

/** A character of a decoded text and the bytes it was decoded from. */
export interface DecodedCharacter {
  /** Bytes [start, end). */
  readonly start: number;
  readonly end: number;
  /** UTF-16 code units it takes: 1 or 2. */
  readonly units: number;
}

/** Allowed second bytes after a lead byte, [least, most], and the length of the sequence. */
function sequence(lead: number): readonly [number, number, number] | undefined {
  if (lead >= 0xc2 && lead <= 0xdf) return [0x80, 0xbf, 2];
  if (lead === 0xe0) return [0xa0, 0xbf, 3];
  if (lead === 0xed) return [0x80, 0x9f, 3]; // no surrogates
  if (lead >= 0xe1 && lead <= 0xef) return [0x80, 0xbf, 3];
  if (lead === 0xf0) return [0x90, 0xbf, 4];
  if (lead === 0xf4) return [0x80, 0x8f, 4];
  return lead >= 0xf1 && lead <= 0xf3 ? [0x80, 0xbf, 4] : undefined;
}

/**
 * The characters that `new TextDecoder()` makes of `bytes`: each maximal part of a broken sequence
 * is one U+FFFD (https://encoding.spec.whatwg.org/#utf-8-decoder, as Unicode 15, section 3.9).
 */
export function decodedCharacters(bytes: Uint8Array): DecodedCharacter[] {
  const characters: DecodedCharacter[] = [];
  for (let start = 0; start < bytes.length;) {
    const known = sequence(bytes[start]!);
    let end = start + 1;
    let units = 1;
    if (known !== undefined) {
      const [least, most, length] = known;
      const within = (byte: number | undefined, low: number, high: number): boolean =>
        byte !== undefined && byte >= low && byte <= high;
      if (within(bytes[end], least, most))
        for (end++; end < start + length && within(bytes[end], 0x80, 0xbf);) end++;
      if (end === start + 4) units = 2;
    }
    characters.push({ start, end, units });
    start = end;
  }
  return characters;
}
