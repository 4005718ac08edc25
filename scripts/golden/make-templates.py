"""Writes src/models/golden/templates.json: what Jinja2, set up as transformers does, makes of pieces of templates.

    python3 -m venv venv
    venv/bin/pip install torch==2.13.0 transformers==5.24.0 jinja2==3.1.6
    venv/bin/python -P scripts/golden/make-templates.py src/models/golden/templates.json
"""

import json
import sys
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template

MESSAGES = [
    {"role": "system", "content": " \n Be brief.\t"},
    {"role": "user", "content": "\n\nWhat is 2 + 2? 👩‍🚀\n"},
    {"role": "assistant", "content": "<think>\nhm\n</think>\n\n  4 \n"},
    {"role": "user", "content": "\x1fÜber\x85"},
]
VARIABLES = {
    "messages": MESSAGES,
    "empty": "",
    "word": "xxabcxx",
    "numbers": [3, 1, 2],
    "words": ["b", "A", "c"],
    "mapping": {"b": 1, "a": [1, 2.5, None, True], "items": "own"},
    "nothing": None,
    "yes": True,
    "add_generation_prompt": True,
}
EXPRESSIONS = r"""
messages[1].content.strip("\n")
messages[2].content.lstrip("\n")
messages[2].content.rstrip("\n") ~ "|"
messages[3].content.strip()
messages[3].content|trim
messages[0].content|trim
word.strip("x")
word.lstrip("xa") ~ word.rstrip("cx")
word|trim("x")
messages[2].content.split("</think>")[-1].lstrip("\n")
messages[2].content.split("</think>")[0].rstrip("\n").split("<think>")[-1].lstrip("\n")
"a,b,,c".split(",")|join("-")
"a,b,,c".split(",", 1)|join("-")
" a  b \t c ".split()|join("-")
" a  b \t c ".split(None, 1)|join("-")
"a b c".split(maxsplit=1)|join("-")
-7 % 3
7 % -3
-7 // 3
7 // 2
7 / 2
8 / 2
-7.5 % 2
1 + true
2 ** 10
2 * 3.0
1e3
0.1 + 0.2
10 - 3 * 2
"ab" * 3
"1" == 1
1 == 1.0
true == 1
none == none
missing == none
[1, 2] == [1, 2]
{"a": 1} == {"a": 1}
"a" in "cab"
"a" in ["a"]
1 in [1.0]
"b" in mapping
"z" not in mapping
missing in [1]
"x" in missing
none
nothing
missing
true
yes
yes ~ "" ~ nothing
"a" ~ 1 ~ 2.0 ~ true ~ none ~ missing
1 < 2
"a" < "b"
"Z" < "a"
1 < 2 < 3
not yes
yes and "x"
empty or "x"
empty and 1
"x" if empty else "y"
"x" if empty
missing.attribute
nothing.attribute
messages[0].missing
messages[0]["role"]
messages[0].get("role") ~ messages[0].get("name", "n") ~ messages[0].get("name")
messages[9].role
messages[-1].role
messages.length
empty.length
messages|length
messages[1].content|length
messages[1].content[-2]
messages[1].content[15:17]
word[::-1]
word[1:-1]
word[::2]
numbers[::-1]|join
numbers[3:-1:-1]|join
numbers[5:0:-1]|join(",")
numbers[:2]|join(",")
messages[1:]|length
messages[::-1]|map(attribute="role")|join(",")
messages|map(attribute="name", default="none")|join(",")
words|map("upper")|join
numbers|sum
numbers|sort|join(",")
words|sort|join(",")
words|reverse|join(",")
words|first ~ words|last
[]|first
words|list|join
"abc"|list|join("-")
"abc"|reverse
words|join(", ")
[1, none, true, 2.0]|join(",")
messages|selectattr("role", "equalto", "user")|list|length
messages|selectattr("role", "==", "user")|map(attribute="role")|join
messages|rejectattr("role", "in", ["user", "system"])|list|length
messages|selectattr("name")|list|length
messages|selectattr("name", "defined")|list|length
[0, 1, "", "x", none]|select|list|length
numbers|select("odd")|join(",")
numbers|reject("even")|join(",")
mapping|tojson
mapping|tojson(indent=2)
mapping|tojson(ensure_ascii=true)
messages[1].content|tojson
"<&'\"\u00e9\u2028\x7f"|tojson
[]|tojson(indent=2)
{"x": {}}|tojson(indent=4)
1.0|tojson
none|tojson
missing|tojson
mapping|length
mapping.items()|length
mapping["items"]
mapping.items
mapping.keys()|join
mapping.values()|list|length
mapping|items|list|length
mapping|dictsort|first|first
"hello wORLD"|title
"hello wORLD"|capitalize
"hello wORLD".title()
"it's x1y".title()
"hello wORLD".capitalize()
"straße".upper()
"ÀB".lower()
"x"|upper ~ "Y"|lower
"abc".startswith("ab")
"abc".startswith(("x", "ab"))
"abc".endswith("bc")
"abc".find("c") ~ "abc".find("z")
"aXbX".replace("X", "-")
"aXbX".replace("X", "-", 1)
"aXbX"|replace("X", "-")
"aXbX"|replace("X", "-", 1)
"abc".count("b")
"abc".removeprefix("a").removesuffix("c")
"-".join(["a", "b"])
"abc".isdigit()
"a\nb\n\nc"|indent
"a\nb\n\nc"|indent(2, true)
"a\nb\n\nc"|indent(2, blank=true)
"a\nb"|indent(width="> ")
"12"|int + 1
"12x"|int
" 12.7 "|int
-2.7|int
(-2.7)|int
"x"|int(5)
none|int(5)
"1.5"|float
3|float
true|int
-3|abs
(-3)|abs
2.5|round
3|string ~ "x"
true|string
missing|default("d")
none|default("d")
none|default("d", true)
empty|d("d", boolean=true)
missing is defined
nothing is none
missing is none
word is string
1 is number
true is number
true is integer
1.0 is float
true is boolean
mapping is mapping
words is mapping
words is sequence
mapping is iterable
word is iterable
none is iterable
3 is odd
-3 is odd
"abc" is lower
"123" is lower
"A1" is upper
1 is divisibleby(1)
words is not string
not words is string
namespace(a=1).a
range(3)|join(",")
range(5, 1, -2)|join(",")
range(2)|list|length
"a" "b"
[1, 2, 3][1]
(1, 2)[0]
{"a": {"b": 3}}.a.b
"%s" % 3
"a" + 1
1 + "a"
none + 1
"x"|safe
("<"|safe) ~ "<"
"<b>"|escape
"é"|e
words|unique|join
words|min
"%d-%m"
messages
numbers
mapping
1 ~ 2 + 3
10000000000000000.0
9007199254740993
"\u00e9\x41\t"
'it''s'
strftime_now("%d %b %Y")
cycler("a", "b").next()
dict(a=1).a
lipsum()
"abc"[1]
"👩‍🚀x"[0]
"{}".format(1)
loop is defined
""".strip("\n").split("\n")
TEMPLATES = [
    "{% for n in numbers %}a{{ n }}{% if n == 1 %}b{% break %}{% endif %}c{% endfor %}.",
    "{% for n in numbers %}a{{ n }}{% if n == 1 %}b{% continue %}{% endif %}c{% else %}none{% endfor %}.",
    "{% for n in numbers %}a{% continue %}{% else %}none{% endfor %}.",
    "{% for n in numbers %}{% for w in words %}{{ w }}{% if w == 'A' %}!{% break %}{% endif %}{% endfor %}{{ n }};{% endfor %}",
    "{% for n in [] %}x{% else %}none{% endfor %}",
    "{% for n in numbers if n > 1 %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ n }},{% endfor %}",
    "{% for n in numbers %}{{ loop.revindex }}{{ loop.index0 }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}",
    "{% for n in numbers %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for n in numbers %}{{ loop.depth }}{% endfor %}",
    "{% for c in 'abc' %}{{ c }}-{% endfor %}",
    "{% for k in mapping %}{{ k }}{% endfor %}",
    "{% for k, v in mapping.items() %}{{ k }}{% endfor %}",
    "{% for k, v in mapping|dictsort %}{{ k }}{% endfor %}",
    "{% for n in missing %}x{% endfor %}.",
    "{% for n in none %}x{% endfor %}.",
    "{% set x = 1 %}{% for n in numbers %}{% set x = n %}{{ x }}{% endfor %}{{ x }}",
    "{% for n in numbers %}{{ seen is defined }}{% set seen = 1 %}{% endfor %}",
    "{% set ns = namespace(x=0) %}{% for n in numbers %}{% set ns.x = ns.x + n %}{% endfor %}{{ ns.x }}{{ ns.y }}",
    "{% if true %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set x %}a{{ 1 }}{% endset %}{{ x }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% macro m(a, b=2) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{% set c = 3 %}{{ m(1) }}{{ m(1, b=4) }}",
    "{% macro m() %}[{{ n }}]{% endmacro %}{% for n in numbers %}{{ m() }}{% endfor %}",
    "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}x{% endcall %}",
    "{% filter upper %}abc{{ word }}{% endfilter %}",
    "{% generation %}abc{% endgeneration %}x",
    "a\n  {% generation %}\nabc\n  {% endgeneration %}\nx",
    "a\r\nb\rc\n\n",
    "a\n    {% if true %}\n  b\n    {% endif %}\n  c {% if true -%}\n  d {%- endif %}\n\n",
    "  {# note #}\nx {#- note -#} y",
    "{{ 'a' }}\n{{- 'b' -}}\n c",
    "{%- for message in messages -%}\n  {{ '<|' + message.role + '|>' + message.content|trim }}\n{% endfor %}",
    "{% if not (messages[0].role == 'user') and messages|length % 2 == 0 %}x{% endif %}",
    "{{ raise_exception('no') }}",
    "{% raw %}{{ x }}{% endraw %}",
    "{% include 'x' %}",
    "{% do numbers.append(1) %}",
    "{% with x = 1 %}{{ x }}{% endwith %}",
    "{{ numbers.append(4) }}",
    "{{ '%}\n' }}x",
    "{% if messages[0].role == 'system' %}{% set m = messages[1:] %}{% else %}{% set m = messages %}{% endif %}{{ m|length }}",
]

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    cases = []
    for source in ["{{ " + e + " }}" for e in EXPRESSIONS] + TEMPLATES:
        case = {"template": source}
        try:
            case["text"] = _compile_jinja_template(source).render(**VARIABLES)
        except Exception as error:
            case["error"] = f"{type(error).__name__}: {error}"
        if "strftime_now" in source:
            del case["text"]
            case["clock"] = True
        if "lipsum" in source or "object at 0x" in case.get("text", ""):
            case = {"template": source, "error": "not the same twice"}
        cases.append(json.dumps(case))
    body = ",\n".join(cases)
    variables = json.dumps(VARIABLES)
    Path(sys.argv[1]).write_text(f'{{"variables": {variables},\n"cases": [\n{body}\n]}}\n')
