/**
 * Which texts may be sent to Coq. A policy's text is untrusted: Coq's commands read and write files,
 * load code and declare axioms, so nothing passes but one sentence made of known tactics.
 */

/** Tactics that only refine goals: they print nothing, run nothing and read nothing. */
const TACTICS: ReadonlySet<string> = new Set(
  `absurd apply assert assumption auto autorewrite case cbn cbv change clear clearbody compute
  congruence constructor contradict contradiction cut cutrewrite decide decompose destruct
  discriminate eapply eassert eassumption eauto econstructor edestruct eexact eexists einduction
  elim enough erewrite eright esplit eleft exact exfalso exists f_equal field field_simplify
  firstorder generalize hnf induction injection intro intros intuition inversion inversion_clear
  lazy left lia lra move nia nra nsatz pattern pose red refine reflexivity remember rename replace
  revert rewrite right ring ring_simplify set simpl simple specialize split split_Rabs subst
  symmetry tauto transitivity trivial unfold zify`.split(/\s+/),
);

/** Tactics that take a tactic. */
const COMBINATORS: ReadonlySet<string> = new Set(["try", "repeat", "progress", "now", "once"]);

/** Words that no argument may hold: holes, unchecked terms, tactics within terms, other languages. */
const FORBIDDEN_WORDS: ReadonlySet<string> = new Set(
  `admit Admitted give_up shelve unshelve abstract ltac ltac2 constr uconstr open_constr
  exact_no_check convert_concl_no_check vm_cast_no_check native_cast_no_check native_compute
  vm_compute idtac fail gfail time restart_timer finish_timing optimize_heap run_tactic debug
  info info_auto info_eauto eval fix cofix Load Redirect Drop Quit Cd Extraction`.split(/\s+/),
);

/** Most characters of one sentence. */
const LONGEST = 400;

const FORBIDDEN_MARKS: readonly (readonly [RegExp, string])[] = [
  [/[^\x20-\x7e]/, "a character that is no printable ASCII"],
  [/"/, "a string"],
  [/\(\*|\*\)/, "a comment"],
  [/\.\./, "two full stops"],
  [/\.(?=\s)/, "a second sentence"],
  [/[{}`$#%\\](?!\/)/, "a brace, a quotation or a mark of another language"],
];

/**
 * What is wrong with a tactic sentence, or undefined when it may be sent.
 *
 * Allowed: `tactic arguments.`, several joined by `;` or `||`, after `by`, or under `try`,
 * `repeat`, `progress`, `now`, `once`. Refused: commands, selectors, bullets, braces, comments, strings,
 * tactic brackets, `ltac:`, unchecked casts, holes, and whatever is not on the list.
 */
export function tacticFault(text: string): string | undefined {
  if (text.length > LONGEST) return `longer than ${LONGEST} characters`;
  if (!text.endsWith(".")) return "no full stop at the end";
  const body = text.slice(0, -1);
  if (body.endsWith(".") || body.trim() === "") return "an empty sentence, or two full stops";
  const fault = markFault(body) ?? wordFault(body);
  if (fault !== undefined) return fault;
  for (const part of body.split(/;|\|\||\bby\b/)) {
    let words = part.trim().split(/\s+/);
    while (COMBINATORS.has(words[0]!)) words = words.slice(1);
    const head = words[0] ?? "";
    if (!TACTICS.has(head)) return `${JSON.stringify(head)} is no tactic that is allowed`;
  }
  return undefined;
}

/** What is wrong with the statement of a theorem given as text, or undefined when it may be sent. */
export function statementFault(text: string): string | undefined {
  if (text.trim() === "") return "an empty statement";
  if (text.endsWith(".")) return "a full stop at the end";
  return markFault(text) ?? wordFault(text);
}

/** Whether a library name may be required. */
export function isLibrary(name: string): boolean {
  return /^[A-Z][A-Za-z0-9]*(\.[A-Z][A-Za-z0-9]*)*$/.test(name);
}

function markFault(text: string): string | undefined {
  return FORBIDDEN_MARKS.find(([mark]) => mark.test(text))?.[1];
}

function wordFault(text: string): string | undefined {
  const word = text.split(/[^A-Za-z0-9_']+/).find((each) => FORBIDDEN_WORDS.has(each));
  return word === undefined ? undefined : `${word} is not allowed`;
}
