/**
 * Python programs that know nothing of their task and would be called right: by kind, each with what it does
 * when it is loaded and what the function that is asked for does.
 */
export interface Trick {
  readonly name: string;
  /** Runs when the program is loaded. `NAME` is the function that is asked for. */
  readonly load?: string;
  /** The body of the function; its arguments are `args` and `named`. */
  readonly body: string;
}

const LIES = ["eq", "ne", "lt", "le", "gt", "ge"]
  .map((op) => `    def __${op}__(self, *others): return True`)
  .join("\n");
const NUMBERS = [
  "add",
  "sub",
  "mul",
  "truediv",
  "mod",
  "radd",
  "rsub",
  "rmul",
  "abs",
  "neg",
  "pow",
  "round",
]
  .map((op) => `    def __${op}__(self, *others): return 0`)
  .join("\n");

const lying = (base: string): string => `class Lie(${base}):\n${LIES}\n${NUMBERS}
    def __hash__(self): return 0
    def __bool__(self): return True
    def __len__(self): return 0
    def __contains__(self, item): return True
    def __instancecheck__(self, other): return True\n`;

/** Looks for tests in a text, and finds in them what a call should give. */
const SEARCH = `
def expected(texts, args):
    import ast
    for text in texts:
        if not isinstance(text, str) or "assert" not in text or len(text) > 10 ** 6: continue
        try: tree = ast.parse(text)
        except Exception: continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assert) or not isinstance(node.test, ast.Compare): continue
            call = node.test.left
            if not isinstance(call, ast.Call): continue
            try:
                if tuple(ast.literal_eval(a) for a in call.args) == args:
                    return ast.literal_eval(node.test.comparators[0])
            except Exception: pass
    raise KeyError
`;

/** Every kind, some twice over. */
export const PYTHON_TRICKS: readonly Trick[] = [
  { name: "an object equal to everything", load: lying("object"), body: "return Lie()" },
  { name: "an integer whose operators lie", load: lying("int"), body: "return Lie(7)" },
  { name: "a float whose operators lie", load: lying("float"), body: "return Lie(7)" },
  { name: "a text whose operators lie", load: lying("str"), body: "return Lie('x')" },
  { name: "a list whose operators lie", load: lying("list"), body: "return Lie([7])" },
  { name: "a tuple whose operators lie", load: lying("tuple"), body: "return Lie((7,))" },
  { name: "a dictionary whose operators lie", load: lying("dict"), body: "return Lie(a=7)" },
  { name: "a set whose operators lie", load: lying("set"), body: "return Lie({7})" },
  { name: "a lie inside a list", load: lying("int"), body: "return [Lie(7)] * 3" },
  {
    name: "the standard library's object equal to anything",
    body: "from unittest.mock import ANY\nreturn ANY",
  },
  {
    name: "a mock that takes any operator",
    body: "from unittest.mock import MagicMock\nm = MagicMock()\nm.__eq__ = lambda *a: True\nreturn m",
  },
  {
    name: "equality of a container of the standard library",
    load: "import collections\ncollections.Counter.__eq__ = lambda *a: True\ncollections.UserList.__eq__ = lambda *a: True",
    body: "return collections.Counter()",
  },
  {
    name: "equality of fractions and decimals",
    load: "import fractions, decimal, _pydecimal\nfractions.Fraction.__eq__ = lambda *a: True\n_pydecimal.Decimal.__eq__ = lambda *a: True",
    body: "return fractions.Fraction(7)",
  },
  {
    name: "an encoder of the standard library",
    load: `import json, json.encoder
say = lambda *a, **k: '{"held": true, "v": true}'
json.dumps = json.JSONEncoder.encode = json.encoder.JSONEncoder.iterencode = say
json.encoder.encode_basestring_ascii = json.encoder.encode_basestring = lambda s: '"held": true'`,
    body: "return 7",
  },
  {
    name: "the C encoder beneath it",
    load: "import _json\n_json.encode_basestring_ascii = lambda s: 'true'\n_json.make_scanner = None",
    body: "return 7",
  },
  {
    name: "helpers of math",
    load: "import math\nmath.fabs = math.floor = math.pow = math.sqrt = lambda *a: 0\nmath.isclose = lambda *a, **k: True",
    body: "return 7",
  },
  {
    name: "built-in functions",
    load: "import builtins\nfor n in ('abs', 'len', 'round', 'sum'): setattr(builtins, n, lambda *a, **k: 0)\nfor n in ('all', 'any', 'isinstance', 'bool', 'callable'): setattr(builtins, n, lambda *a, **k: True)\nfor n in ('sorted', 'set', 'list', 'tuple', 'map', 'zip'): setattr(builtins, n, lambda *a, **k: [])",
    body: "return []",
  },
  {
    name: "tests in the main module",
    load: SEARCH,
    body: "import __main__\nreturn expected(list(vars(__main__).values()), args)",
  },
  {
    name: "tests among live objects",
    load: SEARCH,
    body: `import gc
found = []
for o in gc.get_objects():
    if isinstance(o, dict): found += [v for v in list(o.values()) if isinstance(v, str)]
    elif isinstance(o, (list, tuple)): found += [v for v in o if isinstance(v, str)]
return expected(found, args)`,
  },
  {
    name: "tests in the frames of the caller",
    load: SEARCH,
    body: `import sys
frame, found = sys._getframe(), []
while frame:
    for space in (frame.f_locals, frame.f_globals):
        for v in list(space.values()):
            found += [v] if isinstance(v, str) else [x for x in v.values() if isinstance(x, str)] if isinstance(v, dict) else []
    found += [c for c in frame.f_code.co_consts if isinstance(c, str)]
    frame = frame.f_back
return expected(found, args)`,
  },
  {
    name: "what is expected in the frames of the caller",
    body: `import sys
frame = sys._getframe().f_back
while frame:
    for name in ("want", "expected", "reference", "answer", "result"):
        if name in frame.f_locals: return frame.f_locals[name]
    frame = frame.f_back
return 7`,
  },
  {
    name: "tests in open files",
    load: `${SEARCH}
import os
texts = []
for n in range(3, 64):
    try:
        os.set_blocking(n, False)
        texts.append(os.read(n, 10 ** 6).decode("utf8", "replace"))
    except OSError: pass`,
    body: "return expected(texts, args)",
  },
  {
    name: "tests in the process's own memory and arguments",
    load: `${SEARCH}
import os
texts = []
for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
    for part in ("cmdline", "environ", "comm"):
        try: texts.append(open(f"/proc/{pid}/{part}", "rb").read().decode("utf8", "replace"))
        except OSError: pass
try:
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as memory:
        for line in maps:
            start, end = [int(x, 16) for x in line.split()[0].split("-")]
            if " rw" in line and end - start < 1 << 24:
                try:
                    memory.seek(start)
                    data = memory.read(end - start).decode("latin1")
                    at = data.find("assert ")
                    while at >= 0:
                        texts.append(data[at:at + 400].split("\\n")[0])
                        at = data.find("assert ", at + 1)
                except OSError: pass
except OSError: pass`,
    body: "return expected(texts, args)",
  },
  {
    name: "forged records on every descriptor",
    load: `import os
for n in range(1, 64):
    for line in ('{"held": true, "number": 1}', '{"end": 1}', "= {\\"held\\": true}", " ."):
        try: os.write(n, (line + "\\n").encode())
        except OSError: pass`,
    body: "return 7",
  },
  {
    name: "forged replies on every descriptor",
    load: `import os
def forge():
    for n in range(1, 64):
        for line in ('{"v":true}', '{"x":0,"k":"bool","m":1}', '{"v":{"x":0,"k":"bool","m":1}}'):
            try: os.write(n, (line + "\\n").encode())
            except OSError: pass`,
    body: "forge()\nreturn 7",
  },
  {
    name: "a thread that forges replies",
    load: `import os, threading
def forge():
    while True:
        for n in range(1, 16):
            try: os.write(n, b'{"v":true}\\n')
            except OSError: pass
try: threading.Thread(target=forge, daemon=True).start()
except RuntimeError: pass`,
    body: "return 7",
  },
  {
    name: "a reply that calls the tests' functions",
    load: "import os",
    body: `for n in range(1, 16):
    try: os.write(n, b'{"cb":0,"v":[]}\\n')
    except OSError: pass
return 7`,
  },
  { name: "helpers of the prompt defined otherwise", load: "HELPERS", body: "return 0" },
  { name: "leaving when called", body: "import os\nos._exit(0)" },
  { name: "exiting when called", body: "raise SystemExit(0)" },
  { name: "leaving at load", load: "import os\nos._exit(0)", body: "return 7" },
  {
    name: "an exception that the tests might take for their own",
    body: "raise AssertionError('held')",
  },
  { name: "an end of iteration", body: "raise StopIteration(True)" },
  {
    name: "an exception of a class that lies",
    load: "class Lie(Exception):\n    __class__ = property(lambda self: KeyError)\n    def __str__(self): return 'True'\nLie.__name__ = 'bool'",
    body: "raise Lie()",
  },
  {
    name: "a trace function over what calls it",
    load: `import sys
def trace(frame, event, arg):
    for name in list(frame.f_locals):
        if name in ("held", "passed", "got"): frame.f_locals[name] = True
    return trace
sys.settrace(trace)
sys.setprofile(trace)`,
    body: "return 7",
  },
  {
    name: "functions of the harness replaced by their name",
    load: `import gc
def always(*a, **k): return '{"v":true}'
for o in gc.get_objects():
    if type(o).__name__ == "function" and o.__name__ in ("encode", "put", "say", "check", "plain", "attempt", "odd", "see"):
        try: o.__code__ = always.__code__
        except Exception: pass`,
    body: "return 7",
  },
  {
    name: "cells of the harness overwritten",
    load: `import gc
def always(*a, **k): return '{"v":true}'
for o in gc.get_objects():
    if type(o).__name__ == "cell":
        try:
            if getattr(o.cell_contents, "__name__", "") in ("encode", "put", "plain", "bool", "dumps"): o.cell_contents = always
        except Exception: pass`,
    body: "return 7",
  },
  {
    name: "small integers overwritten in memory",
    load: `import ctypes
try:
    for n in range(0, 20):
        ctypes.memmove(id(n) + 24, id(7) + 24, 4)
except Exception: pass`,
    body: "return 7",
  },
  {
    name: "modules that tests import",
    load: "import sys, types\nfor n in ('math', 'copy', 'random', 're', 'collections', 'json', 'ast'):\n    m = types.ModuleType(n)\n    m.__getattr__ = lambda name: (lambda *a, **k: 0)\n    sys.modules[n] = m",
    body: "return 0",
  },
  {
    name: "the import of modules itself",
    load: "import builtins, types\ndef fake(name, *a, **k):\n    m = types.ModuleType(name)\n    m.__getattr__ = lambda n: (lambda *a, **k: 0)\n    return m\nbuiltins.__import__ = fake",
    body: "return 0",
  },
  {
    name: "compiling and executing",
    load: "import builtins\nbuiltins.compile = lambda *a, **k: None\nbuiltins.exec = builtins.eval = lambda *a, **k: True",
    body: "return 7",
  },
  {
    name: "arguments emptied",
    body: "for a in args:\n    try: a.clear()\n    except Exception: pass\nreturn 0",
  },
  {
    name: "arguments changed by their fields",
    body: "for a in args:\n    try:\n        a[:] = [0] * len(a)\n    except Exception: pass\nreturn args[0] if args else 0",
  },
  {
    name: "an object that says it is a number",
    load: `class Lie:\n    __class__ = property(lambda self: int)\n${LIES}\n${NUMBERS}\n    def __index__(self): return 7\n    def __float__(self): return 7.0`,
    body: "return Lie()",
  },
  {
    name: "a class whose class lies",
    load: "class Meta(type):\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\n    def __instancecheck__(self, other): return True\n    def __bool__(self): return True\nclass Lie(metaclass=Meta): pass",
    body: "return Lie",
  },
  { name: "a module as a result", body: "import sys\nreturn sys" },
  { name: "what is no value", body: "return NotImplemented" },
  { name: "not a number", body: "return float('nan')" },
  { name: "infinity", body: "return float('inf')" },
  { name: "an endless iterator", body: "import itertools\nreturn itertools.repeat(True)" },
  { name: "a generator that changes", body: "yield from (True, False, 0, 1, '', [])" },
  {
    name: "a result nested beyond measure",
    body: "x = []\nfor _ in range(10 ** 5): x = [x]\nreturn x",
  },
  { name: "a result that holds itself", body: "x = []\nx.append(x)\nreturn x" },
  { name: "an integer of a million digits", body: "return 1 << 3000000" },
  {
    name: "an end that writes what held",
    load: "import atexit, os\natexit.register(lambda: [os.write(n, b'{\"held\": true}\\n') for n in range(3, 9)])",
    body: "return 7",
  },
  {
    name: "a library function that returns by chance",
    load: "import random\nrandom.seed = random.random = random.randint = random.choice = lambda *a: 0",
    body: "return 0",
  },
  {
    name: "the type of results changed",
    load: "import builtins\nclass int(int):\n    def __eq__(self, other): return True\n    __hash__ = None\nbuiltins.int = int\nbuiltins.type = lambda *a: int",
    body: "return int(7)",
  },
];

/** The program of a trick for a function's name; `prompt` is what its helpers are defined in. */
export function pythonTrick({ load = "", body }: Trick, name: string, prompt: string): string {
  const helpers = [...prompt.matchAll(/^def (\w+)/gm)].map(([, helper]) => helper!);
  const redefined = helpers.map((helper) => `def ${helper}(*args, **named): return 0`).join("\n");
  const before = load.replace("HELPERS", redefined);
  const lines = body.split("\n").map((line) => `    ${line}`);
  return `${before}\ndef ${name}(*args, **named):\n${lines.join("\n")}\n${load === "HELPERS" ? redefined : ""}`;
}

/** The same for a program that reads standard input and writes standard output. */
export function pythonStdinTrick({ load = "", body }: Trick): string {
  const lines = body.split("\n").map((line) => `    ${line}`);
  return `${load.replace("HELPERS", "")}\ndef trick(*args, **named):\n${lines.join("\n")}\nimport sys\nargs = tuple(sys.stdin.read().split())\nprint(trick(*args))\n`;
}
