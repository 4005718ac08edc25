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

/** `fetch`, but a body that is longer than `most` bytes is an error, and no more of it is read. */
export function limitedFetch(most: number): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (response.body === null) return response;
    let size = 0;
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, stream) {
          size += chunk.length;
          if (size > most) stream.error(new Error(`the answer is longer than ${most} bytes`));
          else stream.enqueue(chunk);
        },
      }),
    );
    const { status, statusText, headers } = response;
    return new Response(counted, { status, statusText, headers });
  };
}
