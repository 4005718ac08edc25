"""Writes src/models/golden/tokenizers.json: variants of a tokenizer.json and the ids that the tokenizers library gives.

    python3 -m venv venv
    venv/bin/pip install tokenizers==0.23.3
    venv/bin/python -P scripts/golden/make-tokenizers.py src/engine/golden/families src/models/golden/tokenizers.json

Each variant is a change of the file of a family, by key; `ids` is missing where the library refuses the file.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer

TEXTS = [
    "Hello world, it's 3.14 and  two   spaces\n\n\nend ",
    "½ ¾² x½y 12³4 Ⅳ٣٤ 一二",
    "a\u0085b\ufeffc\u00a0d\u2028e\u200bf\x1cg\u3000h",
    "caf\u00e9 cafe\u0301 ﬁ Å \u1e9b\u0323",
    "the<tag>the <tag> a<tag>, <tag>\n<tag>x_<tag>",
    " <tag>  <|im_end|> \t<|im_end|>\n <|im_end|>",
    "<|im_end|><|im_end|>the<|im_end",
    "👩\u200d👧 naïve e\u0301\u0323 ",
]
ISOLATED = dict(type="Split", behavior="Isolated", invert=False)
BYTES = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False)


def tag(**flags) -> dict:
    base = dict(content="<tag>", single_word=False, lstrip=False, rstrip=False, normalized=False, special=False)
    return {**base, **flags}


def sequence(*steps) -> dict:
    return {"pre_tokenizer": dict(type="Sequence", pretokenizers=list(steps))}


VARIANTS: list[tuple[str, dict]] = [
    ("smollm2", {}),
    ("qwen2", {}),
    ("llama", {}),
    *(("smollm2", {"normalizer": dict(type=n)}) for n in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents")),
    ("smollm2", {"normalizer": dict(type="Sequence", normalizers=[dict(type="NFD"), dict(type="NFKC")])}),
    ("smollm2", {"normalizer": dict(type="Replace", pattern={"String": " "}, content="_")}),
    ("smollm2", {"normalizer": dict(type="Prepend", prepend="_")}),
    ("smollm2", {"normalizer": dict(type="Strip", strip_left=True, strip_right=True)}),
    ("smollm2", {"pre_tokenizer": {**BYTES, "use_regex": True}}),
    ("smollm2", {"pre_tokenizer": {**BYTES, "use_regex": True, "add_prefix_space": True}}),
    *(("smollm2", sequence(dict(type="Digits", individual_digits=d), {**BYTES, "use_regex": True})) for d in (True, False)),
    *(
        ("smollm2", sequence(dict(type="Split", pattern={"Regex": r"\s+"}, behavior=b, invert=i), BYTES))
        for b in ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
        for i in (False, True)
    ),
    ("smollm2", sequence({**ISOLATED, "pattern": {"String": " "}}, BYTES)),
    ("smollm2", sequence({**ISOLATED, "pattern": {"Regex": r"\d+|\w+|[^\w\s]+|\s"}}, BYTES)),
    ("smollm2", sequence({**ISOLATED, "pattern": {"Regex": r"(?i:the)|\p{Lu}+|[[:alpha:]]"}}, BYTES)),
    ("smollm2", sequence(dict(type="Whitespace"), BYTES)),
    ("smollm2", sequence(dict(type="Punctuation", behavior="Isolated"), BYTES)),
    *(("smollm2", {"tag": tag(**f)}) for f in ({}, dict(single_word=True), dict(lstrip=True), dict(rstrip=True))),
    *(("qwen2", {"tag": tag(**f)}) for f in (dict(normalized=True), dict(lstrip=True, rstrip=True), dict(special=True))),
    ("qwen2", {"tag": tag(content="ﬁ", normalized=True), "normalizer": dict(type="NFKC")}),
    *(("smollm2", {"model." + k: v}) for k, v in (
        ("ignore_merges", True),
        ("byte_fallback", True),
        ("fuse_unk", True),
        ("unk_token", "<|endoftext|>"),
        ("dropout", 0.0),
        ("end_of_word_suffix", "</w>"),
    )),
]

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    families, target = Path(sys.argv[1]), Path(sys.argv[2])
    lines = []
    for family, change in VARIANTS:
        file = json.loads((families / family / "tokenizer.json").read_text())
        for key, value in change.items():
            if key == "tag":
                number = max([*file["model"]["vocab"].values(), *(t["id"] for t in file["added_tokens"])]) + 1
                file["added_tokens"].append({"id": number, **value})
            elif key.startswith("model."):
                file["model"][key.removeprefix("model.")] = value
            else:
                file[key] = value
        case: dict = {"family": family, "change": change}
        try:
            tokenizer = Tokenizer.from_str(json.dumps(file))
            case["ids"] = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
        except Exception as error:
            case["error"] = str(error)
        lines.append(json.dumps(case, ensure_ascii=True))
    target.parent.mkdir(parents=True, exist_ok=True)
    body = ",\n".join(lines)
    target.write_text(f'{{"texts": {json.dumps(TEXTS)},\n"cases": [\n{body}\n]}}\n')
