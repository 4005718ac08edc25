/**
 * How values pass between the process of the judge and that of the program, as Python source for both.
 *
 * A value is one line of JSON: `null`, booleans, numbers, texts and lists are themselves, anything else is
 * an object of one key that names its type. What is read is built from types of the reader's own, so
 * whatever wrote a line, it can only have sent data. What is no data (objects, functions, iterators) is
 * left to `odd`, and read by `own`.
 */
export const PYTHON_CODEC: string = `
import _json, sys

class Odd(Exception):
    pass

def codec(odd, own):
    quote = _json.encode_basestring_ascii
    Type, Len, Float, Str, Bool, Int = type, len, float, str, bool, int
    List, Tuple, Dict, Set, Frozen, Bytes = list, tuple, dict, set, frozenset, bytes
    mro = type.__dict__["__mro__"].__get__
    number, real, text = int.__repr__, float.__repr__, str.__str__
    items, each, every, hexed = dict.items, list.__iter__, tuple.__iter__, bytes.hex
    members, frozen = set.__iter__, frozenset.__iter__
    hex_, Range, deepest = hex, range, 300
    modules = sys.modules
    keys, values, entries = Type({}.keys()), Type({}.values()), Type({}.items())
    join = "".join

    def library(kind, module, name):
        # Whether kind is a class of the standard library, without loading that.
        known = modules.get(module)
        return known is not None and kind is getattr(known, name, None)

    def seq(tag, values, out, depth):
        out('{"' + tag + '":[')
        first = True
        for value in values:
            if not first:
                out(",")
            first = False
            put(value, out, depth + 1)
        out("]}")

    def pairs(tag, value, out, depth):
        seq(tag, [part for pair in items(value) for part in pair], out, depth)

    def put(value, out, depth):
        kind = Type(value)
        if depth > deepest:
            raise Odd("nested too deeply")
        if value is None:
            out("null")
        elif kind is Bool:
            out("true" if value else "false")
        elif kind is Int:
            if -(1 << 63) < value < 1 << 63:
                out(number(value))
            else:
                out('{"i":"' + hex_(value) + '"}')
        elif kind is Float:
            shown = real(value)
            out('{"f":"' + shown + '"}' if shown in ("nan", "inf", "-inf") else shown)
        elif kind is Str:
            out(quote(value))
        elif kind is List:
            out("[")
            first = True
            for item in each(value):
                if not first:
                    out(",")
                first = False
                put(item, out, depth + 1)
            out("]")
        elif kind is Tuple:
            seq("t", every(value), out, depth)
        elif kind is Dict:
            pairs("d", value, out, depth)
        elif kind is Set:
            seq("s", members(value), out, depth)
        elif kind is Frozen:
            seq("z", frozen(value), out, depth)
        elif kind is Bytes:
            out('{"b":"' + hexed(value) + '"}')
        elif kind is complex:
            seq("c", [value.real, value.imag], out, depth)
        elif kind is bytearray:
            out('{"B":"' + hexed(Bytes(value)) + '"}')
        elif kind is Range:
            seq("r", [value.start, value.stop, value.step], out, depth)
        elif kind is keys:
            seq("K", value, out, depth)
        elif kind is values:
            seq("V", value, out, depth)
        elif kind is entries:
            seq("I", value, out, depth)
        elif kind is Type and modules["builtins"].__dict__.get(value.__name__) is value:
            out('{"T":' + quote(value.__name__) + "}")
        elif library(kind, "decimal", "Decimal"):
            out('{"D":' + quote(Str(value)) + "}")
        elif library(kind, "fractions", "Fraction"):
            seq("F", [value.numerator, value.denominator], out, depth)
        elif library(kind, "collections", "deque"):
            seq("q", [value.maxlen, *value], out, depth)
        elif library(kind, "collections", "Counter"):
            pairs("C", value, out, depth)
        elif library(kind, "collections", "OrderedDict"):
            pairs("O", value, out, depth)
        elif library(kind, "datetime", "datetime"):
            out('{"W":' + quote(value.isoformat()) + "}")
        elif library(kind, "datetime", "date"):
            out('{"w":' + quote(value.isoformat()) + "}")
        elif library(kind, "datetime", "time"):
            out('{"h":' + quote(value.isoformat()) + "}")
        elif library(kind, "datetime", "timedelta"):
            seq("u", [value.days, value.seconds, value.microseconds], out, depth)
        else:
            for base in mro(kind):
                if base is Tuple:
                    return seq("t", every(value), out, depth)
                if base is Dict:
                    return pairs("d", value, out, depth)
                if base is List:
                    return put(List(each(value)), out, depth)
                if base is Str:
                    return out(quote(text(value)))
                if base is Int:
                    return put(Int.__index__(value), out, depth)
                if base is Float:
                    return put(Float.__float__(value), out, depth)
                if base is Set:
                    return seq("s", members(value), out, depth)
                if base is Frozen:
                    return seq("z", frozen(value), out, depth)
            out(odd(value))

    def paired(flat):
        return [(flat[i], flat[i + 1]) for i in range(0, Len(flat), 2)]

    def built(tagged):
        if Len(tagged) != 1:
            return own(tagged)
        [(tag, v)] = tagged.items()
        if tag == "t": return Tuple(v)
        if tag == "d": return Dict(paired(v))
        if tag == "s": return Set(v)
        if tag == "z": return Frozen(v)
        if tag == "i": return Int(v, 16)
        if tag == "f": return Float(v)
        if tag == "b": return Bytes.fromhex(v)
        if tag == "B": return bytearray.fromhex(v)
        if tag == "c": return complex(v[0], v[1])
        if tag == "r": return Range(*v)
        if tag == "K": return Dict.fromkeys(v).keys()
        if tag == "V": return Dict(enumerate(v)).values()
        if tag == "I": return Dict(v).items()
        if tag == "T":
            found = modules["builtins"].__dict__[v]
            if isinstance(found, Type): return found
        if tag in ("D", "F", "q", "C", "O", "W", "w", "h", "u"):
            import collections, datetime, decimal, fractions
            if tag == "D": return decimal.Decimal(v)
            if tag == "F": return fractions.Fraction(*v)
            if tag == "q": return collections.deque(v[1:], v[0])
            if tag == "C": return collections.Counter(Dict(paired(v)))
            if tag == "O": return collections.OrderedDict(paired(v))
            if tag == "W": return datetime.datetime.fromisoformat(v)
            if tag == "w": return datetime.date.fromisoformat(v)
            if tag == "h": return datetime.time.fromisoformat(v)
            return datetime.timedelta(*v)
        return own(tagged)

    class Reading:
        strict, object_hook, object_pairs_hook, memo = True, staticmethod(built), None, {}
        parse_float, parse_int, parse_constant = float, int, float

    scan = _json.make_scanner(Reading())

    def encode(value):
        parts = []
        put(value, parts.append, 0)
        return join(parts)

    def decode(line):
        return scan(line, 0)[0]

    return encode, decode
`;
