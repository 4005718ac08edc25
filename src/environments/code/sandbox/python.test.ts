import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { BubblewrapRunner, bubblewrapFault } from "./bubblewrap.js";
import { type SuiteResult, pythonRunner, runSuite, runWithInput } from "./python.js";
import { SandboxFusionRunner } from "./sandbox-fusion.js";
import { seccompFilter } from "./seccomp.js";

const fault = await bubblewrapFault();
if (fault !== undefined) console.warn(`the Python sandbox is not tested: ${fault}`);

const runner = new BubblewrapRunner();
const limits = { milliseconds: 20_000, memoryBytes: 2 ** 28, outputBytes: 2 ** 18 };

const TESTS = "assert f(1) == 2\nassert abs(f(2) - 3) < 1e-6";

/** Ample time, for other work may hold the processor, unless the program is to run out of it. */
function suite(
  program: string,
  tests: string = TESTS,
  milliseconds?: number,
): Promise<SuiteResult> {
  const own = milliseconds === undefined ? limits : { ...limits, milliseconds };
  return runSuite(runner, { program, tests, limits: own });
}

describe.skipIf(fault !== undefined)("bubblewrap", () => {
  test("a program and all its assertions in one process", async () => {
    expect(await suite("def f(x): return x + 1")).toEqual({
      passed: true,
      assertions: [{ held: true }, { held: true }],
    });
    expect(await suite("def f(x): return 2")).toEqual({
      passed: false,
      assertions: [{ held: true }, { held: false, got: "1" }],
    });
    expect(await suite("def f(x): raise KeyError(x)")).toMatchObject({
      passed: false,
      assertions: [
        { held: false, threw: "KeyError" },
        { held: false, threw: "KeyError" },
      ],
    });
    expect(await suite("def f(")).toMatchObject({ passed: false, fault: "load: SyntaxError" });
    expect(await suite("def f(x): return 1", "x = 1")).toMatchObject({ passed: false });
  });

  test.each([
    ["[1, 2]", "[2, 1]", "wrong-order"],
    ["[1, 2]", "[1, 2, 3]", "length-off-by-one"],
    ["[1]", "[1, 2, 3]", "wrong-length"],
    ["[1, 2]", "[1, 3]", "wrong-element"],
    ["True", "False", "flipped-boolean"],
    ["None", "3", "returns-none"],
    ["7", "3", "wrong-number"],
    ["'3'", "3", "wrong-type"],
  ])("%s for %s is called %s", async (got, want, family) => {
    const { assertions } = await suite(`def f(): return ${got}`, `assert f() == ${want}`);
    expect(assertions).toMatchObject([{ held: false, family }]);
  });

  test.each([
    ["a loop at load", "while True: pass", "timeout"],
    ["a loop", "def f(x):\n  while True: pass", "timeout"],
    ["a great power", "10 ** 10 ** 10", "timeout"],
    ["a memory bomb", "x = 'a' * 10 ** 10", "load: MemoryError"],
    ["a growing list", "x = [0]\nwhile True: x += x", "load: MemoryError"],
    ["a fork bomb", "import os\nwhile True: os.fork()", "load: PermissionError"],
    ["a new process", "import subprocess\nsubprocess.run(['ls'])", "load: PermissionError"],
    ["a shell", "import os\nif os.system('ls') != 0: raise ValueError", "load: ValueError"],
    [
      "a thread bomb",
      "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,)).start()",
      "load: RuntimeError",
    ],
    [
      "the network",
      "import socket\nsocket.create_connection(('127.0.0.1', 80))",
      "load: PermissionError",
    ],
    [
      "a name lookup",
      "import urllib.request\nurllib.request.urlopen('http://example.com')",
      "load: URLError",
    ],
    ["the host's accounts", "open('/etc/passwd')", "load: FileNotFoundError"],
    ["writing to the system", "open('/usr/x', 'w')", "load: OSError"],
    [
      "a full disk",
      "while True:\n  import os\n  open('/tmp/' + str(os.urandom(4).hex()), 'w').write('y' * 10 ** 6)",
      "load: OSError",
    ],
    ["a big file", "open('/tmp/x', 'w').write('y' * 10 ** 8)", "load: OSError"],
    [
      "raising its own limits",
      "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
      "load: ValueError",
    ],
    [
      "tracing",
      "import ctypes\nif ctypes.CDLL(None).ptrace(0, 0, 0, 0) != 0: raise ValueError",
      "load: ValueError",
    ],
    [
      "mounting",
      "import ctypes\nif ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, 0) != 0: raise ValueError",
      "load: ValueError",
    ],
    ["leaving early", "import os\nos._exit(0)", "exit"],
    ["exiting", "import sys\nsys.exit(0)", "load: SystemExit"],
    [
      "killing all",
      "import os\ntry: os.kill(-1, 9)\nexcept OSError: pass\nos.kill(os.getpid(), 9)",
      "exit",
    ],
    [
      "an output flood on every descriptor",
      "import os\nwhile True:\n  for n in range(19, 2, -1):\n    try: os.write(n, b'x' * 10000)\n    except OSError: pass",
      "timeout",
    ],
    [
      "forged records",
      'import os\nfor n in range(3, 20):\n  try: os.write(n, b\'{"end": 2, "held": true}\\n\')\n  except OSError: pass\nos._exit(0)',
      "exit",
    ],
  ])("%s is contained", async (_name, program, ended) => {
    const time = ended === "timeout" ? 1000 : undefined;
    const result = await suite(program, TESTS, time);
    expect(result).toMatchObject({ passed: false, fault: ended });
  });

  test("system folders cannot be written, and /usr/x above was refused for that reason", async () => {
    const { assertions } = await suite(
      "def f(p):\n  try: open(p, 'w')\n  except OSError as e: return e.errno",
      "assert f('/usr/x') == 30\nassert f('/dev/x') == 30\nassert f('/x') in (13, 30)",
    );
    expect(assertions.slice(0, 2)).toEqual([{ held: true }, { held: true }]);
  });

  test("files of the host's temporary folder and home are absent", async () => {
    const file = join(tmpdir(), `errata-secret-${process.pid}`);
    writeFileSync(file, "secret");
    const program = `import os\ndef f(): return [os.path.exists(p) for p in (${JSON.stringify(file)}, '/etc', '/root', '/home', '/work')]`;
    expect(await suite(program, "assert f() == [False] * 5")).toMatchObject({ passed: true });
    expect(existsSync(file)).toBe(true);
    rmSync(file);
  });

  test.each([
    [
      "an object equal to everything",
      "class E:\n  def __eq__(self, o): return True\ndef f(x): return E()",
    ],
    [
      "a number equal to everything",
      "class E(int):\n  def __eq__(self, o): return True\ndef f(x): return E(7)",
    ],
    ["inside a list", "class E:\n  def __eq__(self, o): return True\ndef f(x): return [E()]"],
    [
      "a class that says it is built in",
      "class E:\n  __module__ = 'builtins'\n  def __eq__(self, o): return True\ndef f(x): return E()",
    ],
    ["the checker overwritten", "def f(x):\n  globals()['check!'] = lambda *a: None\n  return 0"],
    [
      "equality of integers patched",
      "import builtins\nbuiltins.bool = lambda x: True\ndef f(x): return 0",
    ],
    [
      "a built-in function of its own",
      "def abs(x): return 0\ndef f(x): return x + 1 if x == 1 else 9",
    ],
  ])("tests cannot be fooled: %s", async (_name, program) => {
    expect(await suite(program)).toMatchObject({ passed: false });
  });

  test("results of the standard library's classes are fine", async () => {
    const program =
      "import collections, fractions\nP = collections.namedtuple('P', 'a b')\ndef f(k): return {0: P(1, 2), 1: collections.Counter('aab'), 2: fractions.Fraction(1, 2), 3: collections.OrderedDict(a=1)}[k]";
    const tests =
      "assert f(0) == (1, 2)\nassert f(1) == {'a': 2, 'b': 1}\nassert f(2) == 0.5\nassert f(3) == {'a': 1}";
    expect(await suite(program, tests)).toMatchObject({ passed: true });
  });

  test.each([
    [
      "an end of iteration within a loop of the tests",
      "def f(x): raise StopIteration",
      "assert all(map(lambda x: f(x) == x + 1, [1, 2]))",
    ],
    [
      "a range that is large to use",
      "def f(x): return range(10 ** 10)",
      "assert sorted(f(1)) == [2]",
    ],
    [
      "a reply that has no form",
      'import os\ndef f(x):\n  for n in range(3, 9):\n    try: os.write(n, b\'{"e":5}\\n{"e":[]}\\n[1]\\n{"v":{"T":"eval"}}\\n\')\n    except OSError: pass\n  return 0',
      "assert f(1) == 2\nassert f(2)('1') == 1",
    ],
  ])("tests cannot be fooled: %s, sent as data", async (_name, program, tests) => {
    expect(await suite(program, tests)).toMatchObject({ passed: false });
  });

  test("tests may use what is no data: classes, iterators, functions of theirs", async () => {
    const program =
      "class Stack:\n  kind = 'stack'\n  def __init__(self): self.items = []\n  def push(self, x): self.items.append(x)\n  def size(self): return len(self.items)\ndef count(stack): return stack.size()\ndef each(g, xs): return [g(x) for x in xs]\ndef up():\n  n = 0\n  while True:\n    yield n\n    n += 1";
    const tests = `s = Stack()
s.push(7)
assert s.items == [7]
assert s.kind == 'stack'
assert count(s) == 1
assert each(lambda x: x * 2, [1, 2]) == [2, 4]
it = up()
assert [next(it), next(it)] == [0, 1]`;
    expect(await suite(program, tests)).toMatchObject({ passed: true });
  });

  test("what the program prints does not get in the way", async () => {
    const program =
      "import os\nprint('{}')\nos.write(1, b'x')\nos.write(2, b'x')\ndef f(x):\n  print(x)\n  return x + 1";
    expect(await suite(program)).toMatchObject({ passed: true });
  });

  test("siblings are unharmed", async () => {
    const bad = ["while True: pass", "x = 'a' * 10 ** 10", "import os\nwhile True: os.fork()"].map(
      (p) => suite(p),
    );
    const good = Array.from({ length: 12 }, () => suite("def f(x): return x + 1"));
    for (const { passed } of await Promise.all(good)) expect(passed).toBe(true);
    for (const { passed } of await Promise.all(bad)) expect(passed).toBe(false);
  });

  test("standard input and output", async () => {
    const program = "import sys\nn = int(input())\nif __name__ == '__main__': print(n * 2)";
    expect(await runWithInput(runner, { program, input: "21\n", limits })).toMatchObject({
      outcome: "exited",
      stdout: "42\n",
    });
    const flood = await runWithInput(runner, {
      program: "while True: print('x' * 1000)",
      input: "",
      limits,
    });
    expect(flood.outcome).toBe("output");
    expect(flood.stdout.length).toBeLessThanOrEqual(limits.outputBytes);
    expect(await runWithInput(runner, { program: "1 / 0", input: "", limits })).toMatchObject({
      outcome: "failed",
      stderr: expect.stringContaining("ZeroDivisionError") as string,
    });
  });
});

test("the filter is whole instructions for known processors, and none for others", () => {
  for (const architecture of ["x64", "arm64"]) {
    const filter = seccompFilter(architecture)!;
    expect(filter.length % 8).toBe(0);
    expect(filter.readUInt32LE(filter.length - 4)).toBe(0x7fff0000); // the last one allows
    for (let at = 0; at < filter.length; at += 8) {
      const isJump = (filter.readUInt16LE(at) & 7) === 5;
      const furthest = Math.max(filter.readUInt8(at + 2), filter.readUInt8(at + 3));
      if (isJump) expect(at / 8 + 1 + furthest).toBeLessThan(filter.length / 8);
    }
  }
  expect(seccompFilter("mips")).toBeUndefined();
});

describe("without a sandbox", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("Python is refused, with the reason and the way out", async () => {
    vi.stubEnv("PATH", "/nonexistent");
    vi.stubEnv("ERRATA_SANDBOX_URL", "");
    vi.resetModules();
    const fresh = await import("./python.js");
    if (existsSync("/usr/bin/bwrap")) return; // found without a PATH: the child's own has /usr/bin
    await expect(fresh.pythonRunner()).rejects.toMatchObject({ code: "SANDBOX_PYTHON" });
  });
});

describe("SandboxFusion", () => {
  interface Request {
    readonly code: string;
    readonly language: string;
    readonly stdin: string;
    readonly run_timeout: number;
    readonly memory_limit_MB: number;
  }

  async function served<T>(
    answer: (request: Request) => unknown,
    use: (url: string) => Promise<T>,
  ): Promise<{ result: T; requests: Request[] }> {
    const requests: Request[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += String(chunk)));
      request.on("end", () => {
        if (request.method !== "POST" || request.url !== "/run_code")
          return response.writeHead(404).end();
        requests.push(JSON.parse(body) as Request);
        const text = answer(requests.at(-1)!);
        return response.end(typeof text === "string" ? text : JSON.stringify(text));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    try {
      return { result: await use(`http://127.0.0.1:${port}/`), requests };
    } finally {
      server.close();
    }
  }

  const finished = (stdout: string): unknown => ({
    status: "Success",
    message: "",
    compile_result: null,
    run_result: { status: "Finished", execution_time: 0.01, return_code: 0, stdout, stderr: "" },
    executor_pod_name: null,
    files: {},
  });

  test("runs judge and program apart though it runs one process a request", async () => {
    const run = ({ code, stdin }: Request): unknown =>
      finished(spawnSync("python3", ["-I", "-S", "-c", code], { input: stdin }).stdout.toString());
    const grade = (program: string): Promise<{ result: SuiteResult; requests: Request[] }> =>
      served(run, async (url) =>
        runSuite(await pythonRunner({ url }), { program, tests: TESTS, limits }),
      );
    const { result, requests } = await grade("def f(x): return x + 1");
    expect(result).toEqual({ passed: true, assertions: [{ held: true }, { held: true }] });
    expect(requests[0]).toMatchObject({
      language: "python",
      run_timeout: 20,
      memory_limit_MB: 256,
    });
    expect(requests[0]!.code).not.toContain("assert f(1)");
    const forged =
      "import os, sys\nfor n in range(3, 20):\n  try: os.write(n, b'{\"v\":2}\\n')\n  except OSError: pass\ndef f(x): return 2";
    expect((await grade(forged)).result).toMatchObject({ passed: false });
    expect((await grade("import os\nos._exit(0)")).result).toMatchObject({ fault: "exit" });
  });

  test.each([
    [
      { status: "Failed", run_result: { status: "TimeLimitExceeded", stdout: "", stderr: "" } },
      "timeout",
    ],
    [
      {
        status: "Failed",
        run_result: { status: "Finished", return_code: 1, stdout: "", stderr: "boom" },
      },
      "failed",
    ],
    [finished("x".repeat(2 ** 19)), "output"],
    [finished("42\n"), "exited"],
  ])("%j is %s", async (answer, outcome) => {
    const { result } = await served(
      () => answer,
      (url) => runWithInput(new SandboxFusionRunner(url), { program: "p", input: "", limits }),
    );
    expect(result.outcome).toBe(outcome);
  });

  test.each(["not json", "{}", '{"status":"SandboxError","message":"no room"}'])(
    "%s is the server's fault, not the program's",
    async (text) => {
      await expect(
        served(
          () => text,
          (url) => runWithInput(new SandboxFusionRunner(url), { program: "p", input: "" }),
        ),
      ).rejects.toMatchObject({ code: "SANDBOX_PYTHON" });
    },
  );

  test("an address that is none is refused by name", () => {
    expect(() => new SandboxFusionRunner("localhost:8080 ")).toThrow(
      expect.objectContaining({ code: "SANDBOX_PYTHON" }),
    );
  });
});
