import { PYTHON_CODEC } from "./python-codec.js";

/**
 * What runs in the process of the judge, as Python source: it runs the tests, in which whatever belongs to
 * the program is a stand-in that asks the program's process, and says what held. One line of standard input
 * is one suite, `{helpers, tests, entry, candidate, nonce}`.
 *
 * Names that tests use are, in this order: the entry point, which is the program's; what they define
 * themselves; what the `helpers` define (run here, never in the program); built-in functions; modules of the
 * standard library; and only then what the program defines. With `candidate` set the program's function has
 * that name, and its own is the reference's, as `helpers` define it.
 *
 * Every `assert` becomes a call that records what held, so one run answers for all of them. Records and
 * requests to the program go out by lines that begin with the nonce.
 */
export const PYTHON_JUDGE: string = `${PYTHON_CODEC}
import ast, builtins, collections, copy, datetime, decimal, fractions, json, math, os, random, re, resource, symtable

# What a program gives back may be small to send and large to use, as a range is.
resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))
source, sink = open(os.dup(0), "rb"), os.dup(1)
null = os.open("/dev/null", os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(null, number)

class Gone(BaseException):
    pass

def emit(line):
    data = (line + "\\n").encode()
    while data:
        data = data[os.write(sink, data):]

def relayed(job):
    """Requests go to whoever started this process, which hands them on to the program's."""
    def ask(line):
        emit(job["nonce"] + " ? " + line)
        return hear()
    def hear():
        answer = source.readline()
        if not answer:
            os._exit(0)
        return answer.decode("utf8", "replace")
    return ask, hear, lambda: None

def spawned(job):
    """The program's process is started from here, as somebody with fewer rights where that can be."""
    import ctypes, subprocess
    try:
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: this process's memory is not for its child
    except Exception:
        pass
    start = dict(args=[sys.executable, "-I", "-S", "-c", job["source"]], stdin=-1, stdout=-1, stderr=-3, cwd="/tmp", env={})
    try:
        if os.getuid() != 0:
            raise PermissionError
        child = subprocess.Popen(user=65534, group=65534, extra_groups=[], **start)
    except (PermissionError, OSError, ValueError, subprocess.SubprocessError):
        child = subprocess.Popen(**start)
    most = job["outputBytes"]
    def hear():
        answer = child.stdout.readline(most + 1)
        if len(answer) > most:
            return "!output"
        return answer.decode("utf8", "replace") if answer else "!exit"
    def ask(line):
        try:
            child.stdin.write((line + "\\n").encode())
            child.stdin.flush()
        except OSError:
            return "!exit"
        return hear()
    child.stdin.write((job["load"] + "\\n").encode())
    child.stdin.flush()
    return ask, hear, child.kill

def difference(got, want):
    try:
        if got is None:
            return "returns-none"
        if type(got) is bool and type(want) is bool:
            return "flipped-boolean"
        numbers = (int, float)
        if type(got) in numbers and type(want) in numbers:
            return "off-by-one" if abs(got - want) == 1 else "wrong-number"
        if type(got) is not type(want):
            return "wrong-type"
        if type(got) in (list, tuple, str):
            if abs(len(got) - len(want)) == 1:
                return "length-off-by-one"
            if len(got) != len(want):
                return "wrong-length"
            return "wrong-order" if sorted(map(repr, got)) == sorted(map(repr, want)) else "wrong-element"
        return "wrong-value"
    except Exception:
        return "wrong-value"

class Rewrite(ast.NodeTransformer):
    """assert a == b becomes check!(lambda see!: see!(a) == see!(b))."""
    def visit_Assert(self, node):
        test = node.test
        def seen(value):
            return ast.Call(func=ast.Name(id="see!", ctx=ast.Load()), args=[value], keywords=[])
        if isinstance(test, ast.Compare):
            equation = len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)
            test = ast.Compare(left=seen(test.left), ops=test.ops,
                               comparators=[seen(c) for c in test.comparators] if equation else test.comparators)
        else:
            test = seen(test)
        function = ast.Lambda(
            args=ast.arguments(posonlyargs=[], args=[ast.arg(arg="see!")], kwonlyargs=[], kw_defaults=[], defaults=[]),
            body=test)
        call = ast.Call(func=ast.Name(id="check!", ctx=ast.Load()), args=[function], keywords=[])
        return ast.copy_location(ast.Expr(call), node)

def free_names(text):
    top = symtable.symtable(text, "tests", "exec")
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    found, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        for s in table.get_symbols():
            if s.is_referenced() and (table is top or s.is_global()) and s.get_name() not in bound:
                found.add(s.get_name())
    return found

def run(job):
    nonce = job["nonce"]
    ask, hear, close = (spawned if "source" in job else relayed)(job)
    gone, functions, count = [], [], [0]

    def say(**record):
        emit(nonce + " = " + json.dumps(record))

    def leave(why):
        gone.append(why)
        raise Gone()

    def answered(line):
        """What a line of the program's process says: a value, or an exception of a class of ours."""
        while True:
            if line.startswith("!"):
                leave(line[1:].strip())
            try:
                answer = decode(line)
            except Exception as error:
                raise TypeError("the result cannot be read: " + type(error).__name__) from None
            if type(answer) is not dict:
                raise TypeError("the result cannot be read")
            if "cb" not in answer:
                break
            try:
                back = encode(functions[answer["cb"]](*answer["v"]))
                line = ask('{"v":' + back + "}")
            except Exception as error:
                line = ask('{"e":' + json.dumps(type(error).__name__) + ',"m":' + json.dumps(str(error)[:200]) + "}")
        if "e" not in answer:
            return answer.get("v")
        names, message = answer["e"], answer.get("m")
        for name in names if type(names) is list else []:
            kind = vars(builtins).get(name) if type(name) is str else None
            if isinstance(kind, type) and issubclass(kind, Exception):
                try:
                    error = kind(message)
                except Exception:
                    continue
                if name != names[0]:
                    error = type(str(names[0])[:60], (kind,), {})(message)
                raise error
        raise type(str(names[0])[:60] if names else "Exception", (Exception,), {})(message)

    def request(op, a, b=None):
        if gone:
            raise Gone()
        try:
            return answered(ask('{"op":"' + op + '","a":' + encode(a) + ',"b":' + encode(b) + "}"))
        except StopIteration:
            if op == "next":
                raise
            raise RuntimeError("the program raised StopIteration") from None  # it would end a test's own loop

    class Remote:
        """Something of the program that is no data: it can be called and read from, never compared."""
        __slots__ = ("__ref__", "__kind__", "__truth__")
        def __init__(self, ref, kind, truth):
            self.__ref__, self.__kind__, self.__truth__ = ref, kind, truth
        def __call__(self, *args, **named):
            return request("call", self, [list(args), named])
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return request("attr", self, name)
        def __iter__(self):
            return request("iter", self)
        def __next__(self):
            return request("next", self)
        def __getitem__(self, key):
            return request("item", self, key)
        def __len__(self):
            return request("len", self)
        def __bool__(self):
            if self.__truth__:
                return True
            raise TypeError("an object of the program is neither true nor false")
        def __eq__(self, other):
            raise TypeError("an object of the program cannot be compared")
        __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __eq__
        __hash__ = None
        def __repr__(self):
            return "<" + self.__kind__ + ">"

    def odd(value):
        if type(value) is Remote:
            return '{"x":' + str(value.__ref__) + ',"k":0}'
        if callable(value):
            functions.append(value)
            return '{"n":' + str(len(functions) - 1) + ',"k":0}'
        try:
            return encode(list(value))
        except TypeError:
            raise TypeError("tests pass what is no data: " + type(value).__name__) from None

    def own(tagged):
        if tagged.keys() == {"x", "k", "m"} and type(tagged["x"]) is int and type(tagged["k"]) is str:
            return Remote(tagged["x"], tagged["k"], tagged["m"] == 1)
        return tagged

    encode, decode = codec(odd, own)

    def check(test):
        count[0] += 1
        number = count[0]
        seen = []
        def see(value):
            seen.append(value)
            return value
        try:
            if bool(test(see)):
                say(number=number, held=True)
                return
            try:
                got = repr(seen[0])[:200]
            except Exception:
                got = "unprintable"
            say(number=number, held=False, got=got, family=difference(seen[0], seen[1]) if len(seen) == 2 else None)
        except Exception as error:
            say(number=number, held=False, threw=type(error).__name__)

    def suite():
        try:
            answered(hear())
        except Exception as error:
            say(fault="load", threw=type(error).__name__, got=str(error)[:200])
            return
        own_builtins = dict(vars(builtins))
        space = {"__name__": "tests", "__builtins__": own_builtins}
        phase = "helpers"
        try:
            exec(compile(job["helpers"], "helpers", "exec"), space)
            phase = "tests"
            free = free_names(job["tests"])
            code = compile(ast.fix_missing_locations(Rewrite().visit(ast.parse(job["tests"]))), "tests", "exec")
            phase = "suite"
            entry, candidate = job["entry"], job["candidate"]
            if candidate:
                free.discard(entry) if entry in space else None
                free.discard(candidate)
                space[candidate] = request("get", entry)
            for name in free:
                if name != entry or (candidate and entry in space):
                    if name in space or name in own_builtins:
                        continue
                    if name in sys.stdlib_module_names:
                        space[name] = __import__(name)
                        continue
                try:
                    space[name] = request("get", name)
                except KeyError:
                    space.pop(name, None)
            space["check!"] = check
            exec(code, space)
        except Exception as error:
            name = type(error).__name__
            missing = name == "KeyError" and phase == "suite" and count[0] == 0
            say(fault=phase, threw="NameError" if missing else name)
            return
        if not gone:
            say(end=count[0])

    random.seed(0)
    try:
        suite()
    except BaseException as error:
        if not gone:
            say(fault="suite", threw=type(error).__name__)
    if gone:
        say(fault=gone[0])
    close()
    emit(nonce + " .")

while True:
    line = source.readline()
    if not line:
        os._exit(0)
    run(json.loads(line))
`;
