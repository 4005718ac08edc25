/**
 * Applies `work` to items as they come, at most `jobs` at a time, and gives the results in the
 * order of the items.
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  jobs: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    result.catch(() => undefined); // a failure is thrown where the result is due
    running.push(result);
    if (running.length >= jobs) yield await running.shift()!;
  }
  for (const result of running) yield await result;
}
