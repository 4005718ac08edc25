import { PYTHON_CODEC } from "./python-codec.js";

/**
 * What runs in the process of a program, as Python source: it loads the program, then does what each line
 * asks (a name, a call, an attribute, the next item) and writes what came of it as one line of data.
 *
 * Nothing of the tests is here: a call's arguments come in as fresh copies, and its result goes out to the
 * judge, which compares. A program that takes hold of the encoder or of the descriptor can send other data,
 * which it could as well have returned.
 */
export const PYTHON_PROGRAM: string = `${PYTHON_CODEC}
import builtins, os, resource

# What is used once the program has run is bound here, where it is not replaced by accident.
def main(os=os, sys=sys, resource=resource, Odd=Odd, BaseException=BaseException, Exception=Exception,
         builtins=builtins, codec=codec, compile=compile, exec=exec, type=type, str=str, len=len,
         getattr=getattr, list=list, iter=iter, next=next, SyntaxError=SyntaxError, isinstance=isinstance):
    os.closerange(3, 4096)  # whatever whoever started this had open
    source, sink = open(os.dup(0), "rb"), os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.close(null)
    write, readline, mro = os.write, source.readline, type.__dict__["__mro__"].__get__
    kept = []

    def odd(value):
        kept.append(value)
        truth = 1 if type(value).__name__ == "Match" else 0
        return '{"x":' + str(len(kept) - 1) + ',"k":' + encode(str(type(value).__name__)[:60]) + ',"m":' + str(truth) + "}"

    def own(tagged):
        if "x" in tagged:
            return kept[tagged["x"]]
        if "n" in tagged:
            number = tagged["n"]
            def function(*args):
                say('{"cb":' + str(number) + ',"v":' + encode(list(args)) + "}")
                answer = hear()
                if "e" in answer:
                    raise getattr(builtins, answer["e"], Exception)(answer["m"])
                return answer["v"]
            return function
        return tagged

    encode, decode = codec(odd, own)

    def say(line):
        data = (line + "\\n").encode()
        while data:
            data = data[write(sink, data):]

    def hear():
        line = readline()
        if not line:
            os._exit(0)
        return decode(line.decode())

    def failure(error):
        names = [kind.__name__ for kind in mro(type(error))]
        try:
            message = str(error)[:200]
        except BaseException:
            message = ""
        return '{"e":' + encode(names[:20]) + ',"m":' + encode(message) + "}"

    def attempt(action):
        try:
            return '{"v":' + encode(action()) + "}"
        except BaseException as error:
            try:
                return failure(error)
            except BaseException:
                return '{"e":["Exception"],"m":""}'

    first = hear()
    for name, value in first["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    module = type(sys)("program")
    space = module.__dict__
    sys.modules["program"] = module
    try:
        exec(compile(first["program"], "program", "exec"), space)
        say('{"v":null}')
    except BaseException as error:
        say(failure(error))
    while True:
        asked = hear()
        op, a, b = asked["op"], asked["a"], asked.get("b")
        if op == "get":
            say(attempt(lambda: space[a]))
        elif op == "call":
            say(attempt(lambda: a(*b[0], **b[1])))
        elif op == "attr":
            say(attempt(lambda: getattr(a, b)))
        elif op == "iter":
            say(attempt(lambda: iter(a)))
        elif op == "next":
            say(attempt(lambda: next(a)))
        elif op == "item":
            say(attempt(lambda: a[b]))
        else:
            say(attempt(lambda: len(a)))

main()
`;
