/**
 * A system-call filter for one untrusted process: no new processes, no sockets, no tracing.
 *
 * Classic BPF over `struct seccomp_data` (kernel documentation, userspace-api/seccomp_filter): the
 * system call's number is at offset 0, the architecture at 4, the low half of its first argument at
 * 16. Threads (clone with CLONE_THREAD) stay possible.
 */

interface Architecture {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  readonly clone: number;
  readonly clone3: number;
  /** Calls that fail with EPERM. */
  readonly denied: readonly number[];
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000003e,
    clone: 56,
    clone3: 435,
    // fork vfork socket socketpair ptrace unshare setns mount bpf userfaultfd perf_event_open
    // io_uring_setup keyctl add_key memfd_create
    denied: [57, 58, 41, 53, 101, 272, 308, 165, 321, 323, 298, 425, 250, 248, 319],
  },
  arm64: {
    audit: 0xc00000b7,
    clone: 220,
    clone3: 435,
    // socket socketpair ptrace unshare setns mount bpf userfaultfd perf_event_open io_uring_setup
    // keyctl add_key memfd_create
    denied: [198, 199, 117, 97, 268, 40, 280, 282, 241, 425, 219, 217, 279],
  },
};

const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_GREATER_OR_EQUAL = 0x35;
const JUMP_IF_BIT = 0x45;
const RETURN = 0x06;

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const EPERM = 0x00050001;
/** For clone3, whose flags lie in memory where no filter can look: the C library then uses clone. */
const ENOSYS = 0x00050026;

const CLONE_THREAD = 0x10000;
/** The x32 calls of x86-64 have this bit. */
const X32 = 0x40000000;

/** The filter as bytes for `bwrap --seccomp`, or undefined on an architecture it has no table for. */
export function seccompFilter(architecture: string = process.arch): Buffer | undefined {
  const table = ARCHITECTURES[architecture];
  if (table === undefined) return undefined;
  const { audit, clone, clone3, denied } = table;
  const code: [number, number, number, number][] = [
    [LOAD, 0, 0, 4],
    [JUMP_IF_EQUAL, 1, 0, audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, 0],
    [JUMP_IF_GREATER_OR_EQUAL, 0, 1, X32],
    [RETURN, 0, 0, KILL_PROCESS],
    [JUMP_IF_EQUAL, 0, 1, clone3],
    [RETURN, 0, 0, ENOSYS],
    ...denied.flatMap((call): [number, number, number, number][] => [
      [JUMP_IF_EQUAL, 0, 1, call],
      [RETURN, 0, 0, EPERM],
    ]),
    [JUMP_IF_EQUAL, 0, 3, clone],
    [LOAD, 0, 0, 16],
    [JUMP_IF_BIT, 1, 0, CLONE_THREAD],
    [RETURN, 0, 0, EPERM],
    [RETURN, 0, 0, ALLOW],
  ];
  const bytes = Buffer.alloc(code.length * 8);
  for (const [i, [operation, yes, no, value]] of code.entries()) {
    bytes.writeUInt16LE(operation, i * 8);
    bytes.writeUInt8(yes, i * 8 + 2);
    bytes.writeUInt8(no, i * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, i * 8 + 4);
  }
  return bytes;
}
