/** A `fetch` that gives up on connections over which nothing comes any more. */

/**
 * `fetch`, but aborted where neither the head of an answer nor a byte of its body has come for
 * `milliseconds`. However long a download takes, it goes on as long as bytes come, and `signal` is not aborted.
 */
export function patientFetch(milliseconds: number, signal?: AbortSignal): typeof fetch {
  return async (input, init) => {
    const controller = new AbortController();
    const reason = new Error(`nothing came for ${milliseconds / 1000} seconds`);
    let timer: NodeJS.Timeout | undefined;
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(reason), milliseconds);
    };
    const signals = [controller.signal, signal, init?.signal].filter(
      (one) => one instanceof AbortSignal,
    );
    wait();
    let response: Response;
    try {
      response = await fetch(input, { ...init, signal: AbortSignal.any(signals) });
    } finally {
      clearTimeout(timer);
    }
    if (response.body === null) return response;
    const watched = response.body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        start: wait,
        transform(chunk, stream) {
          wait();
          stream.enqueue(chunk);
        },
        flush: () => clearTimeout(timer),
      }),
    );
    // A body that nobody reads to its end must not keep the process alive.
    timer?.unref();
    const { status, statusText, headers, url } = response;
    return Object.defineProperty(new Response(watched, { status, statusText, headers }), "url", {
      value: url,
    });
  };
}
