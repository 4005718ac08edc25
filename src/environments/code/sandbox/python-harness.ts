/**
 * What runs inside the Python sandbox before and after the program, as Python source.
 *
 * Standard input holds `{nonce, program, tests, entry, limits}`. The program is executed as a module of its
 * own; then the tests, in which every `assert` has become a call that records what held, so that one
 * process answers for all of them. One JSON line a record goes to the real standard output, which the
 * program cannot see by that number; each carries the nonce, and the last says that the end was
 * reached, so a program that leaves early passes nothing.
 *
 * Results that are instances of the program's own classes are refused, since they could claim to
 * equal anything, and the tests use the built-in functions as they were. A program that walks the
 * interpreter's frames, or patches a library that its tests use, could still fool them: this guards
 * against shortcuts, not against someone who has read this file.
 */
export const PYTHON_HARNESS = `
import ast, builtins, json, os, resource, sys

payload = json.loads(sys.stdin.read())
for name, value in payload["limits"].items():
    resource.setrlimit(getattr(resource, name), (value, value))

# What is used once the program has run is bound here, where it cannot be replaced.
def main(payload, os=os, json=json, ast=ast, sys=sys, bool=bool, int=int, float=float, list=list,
         tuple=tuple, dict=dict, isinstance=isinstance, abs=abs, sorted=sorted, map=map,
         compile=compile, exec=exec, SyntaxError=SyntaxError, builtins=dict(vars(builtins))):
    nonce = payload["nonce"]
    out = os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    write, dumps, BaseEx = os.write, json.dumps, BaseException
    Repr, Type, Str, Len = repr, type, str, len
    import collections, datetime, decimal, fractions, re
    known = {collections.deque, fractions.Fraction, decimal.Decimal, datetime.date,
             datetime.datetime, datetime.time, datetime.timedelta, collections.Counter,
             collections.OrderedDict, collections.defaultdict, re.Match, re.Pattern}
    heap = 1 << 9
    flags = Type.__dict__["__flags__"].__get__
    mro = Type.__dict__["__mro__"].__get__

    def say(**record):
        write(out, (dumps({"nonce": nonce, **record}) + "\\n").encode())

    class Strange(Exception):
        pass

    def plain(value, depth=0):
        kind = Type(value)
        if depth > 12:
            return value
        if kind is list:
            return [plain(v, depth + 1) for v in value]
        if kind is tuple:
            return tuple(plain(v, depth + 1) for v in value)
        if kind is dict:
            return {plain(k, depth + 1): plain(v, depth + 1) for k, v in dict.items(value)}
        if not flags(kind) & heap or kind in known:
            return value
        for base in mro(kind):
            if base is tuple:
                return tuple(plain(v, depth + 1) for v in tuple.__iter__(value))
            if base is dict:
                return {plain(k, depth + 1): plain(v, depth + 1) for k, v in dict.items(value)}
        raise Strange(Str(kind.__name__))

    def shown(value):
        try:
            return Repr(value)[:200]
        except BaseEx as error:
            return "unprintable"

    def difference(got, want):
        try:
            if got is None:
                return "returns-none"
            if Type(got) is bool and Type(want) is bool:
                return "flipped-boolean"
            numbers = (int, float)
            if Type(got) in numbers and Type(want) in numbers:
                return "off-by-one" if abs(got - want) == 1 else "wrong-number"
            if Type(got) is not Type(want):
                return "wrong-type"
            if Type(got) in (list, tuple, str):
                if abs(Len(got) - Len(want)) == 1:
                    return "length-off-by-one"
                if Len(got) != Len(want):
                    return "wrong-length"
                return "wrong-order" if sorted(map(Repr, got)) == sorted(map(Repr, want)) else "wrong-element"
            return "wrong-value"
        except BaseEx:
            return "wrong-value"

    count = [0]

    def check(test):
        count[0] += 1
        number = count[0]
        seen = []
        def see(value):
            value = plain(value)
            seen.append(value)
            return value
        try:
            held = bool(plain(test(see)))
            if held:
                say(number=number, held=True)
            else:
                say(number=number, held=False, got=shown(seen[0]),
                    family=difference(seen[0], seen[1]) if Len(seen) == 2 else None)
        except BaseEx as error:
            say(number=number, held=False, threw=Type(error).__name__)

    class Rewrite(ast.NodeTransformer):
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
                args=ast.arguments(posonlyargs=[], args=[ast.arg(arg="see!")], kwonlyargs=[],
                                   kw_defaults=[], defaults=[]),
                body=test)
            call = ast.Call(func=ast.Name(id="check!", ctx=ast.Load()),
                            args=[function], keywords=[])
            return ast.copy_location(ast.Expr(call), node)

    try:
        tree = ast.fix_missing_locations(Rewrite().visit(ast.parse(payload["tests"])))
        tests = compile(tree, "tests", "exec")
    except BaseEx as error:
        say(fault="tests", threw=Type(error).__name__)
        os._exit(0)
    space = {"__name__": "program", "__builtins__": __builtins__}
    entry = payload["entry"]
    try:
        exec(compile(payload["program"], "program", "exec"), space)
    except BaseEx as error:
        say(fault="load", threw=Type(error).__name__, got=Str(error)[:200] if isinstance(error, SyntaxError) else "")
        os._exit(0)
    kept = {name: value for name, value in space.items() if name == entry or name not in builtins}
    space = {**kept, "__builtins__": builtins, "check!": check}
    try:
        exec(tests, space)
    except BaseEx as error:
        say(fault="suite", threw=Type(error).__name__)
        os._exit(0)
    say(end=count[0])
    os._exit(0)

del payload["limits"]
main(payload)
`;
