/** How the C library of a process that computes hands out memory. */

/**
 * Settings of glibc (https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html):
 * large pages, and memory that was freed is kept for the next tensor instead of being given back and
 * paged in again.
 */
const tunables = [
  "glibc.malloc.hugetlb=1",
  `glibc.malloc.mmap_threshold=${2 ** 32}`,
  `glibc.malloc.trim_threshold=${2 ** 33}`,
].join(":");

/**
 * The environment to start a process with that computes with large models: on Linux `environment` and
 * {@link tunables}, which C libraries other than glibc ignore. What GLIBC_TUNABLES says already stands.
 * The memory that such a process uses comes back when it ends.
 */
export function memoryEnvironment(
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): NodeJS.ProcessEnv {
  if (platform !== "linux" || environment["GLIBC_TUNABLES"] !== undefined) return environment;
  return { ...environment, GLIBC_TUNABLES: tunables };
}
