/**
 * The text of a response's body; undefined where it is longer than `most` bytes, of which no more is
 * then read.
 */
export async function limitedText(response: Response, most: number): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += (part as Uint8Array).length;
    if (size > most) return undefined;
    parts.push(part as Uint8Array);
  }
  return Buffer.concat(parts).toString("utf8");
}
