/**
 * What `work` comes to; rejects after `milliseconds`, whether or not the work heeds its signal. (Node 20
 * may collect a signal of `AbortSignal.timeout` or `.any` while a body is read, and it then never fires.)
 */
export async function within<T>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no whole answer within ${milliseconds / 1000} seconds (timeout)`);
      reject(error);
      controller.abort(error);
    }, milliseconds);
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
