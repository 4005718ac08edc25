/** Reads Metamath files: the whole language, with `$[ $]`, checked as the specification asks. */
import { readFileSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { ErrataError } from "../../util/error.js";
import {
  type Assertion,
  type Database,
  type Expression,
  type Hypothesis,
  pairOf,
  type Scope,
} from "./database.js";

const WHITESPACE = /[ \t\r\n\f]/;
const LABEL = /^[A-Za-z0-9\-_.]+$/;

/**
 * Reads a database from a file. Files it includes are looked for beside it, and nowhere else.
 * @throws ErrataError `METAMATH_SYNTAX`, `METAMATH_INCLUDE`.
 */
export function readDatabaseFile(path: string): Database {
  const folder = realpathSync(dirname(path));
  return readDatabase(readFileSync(path, "latin1"), {
    name: path,
    include: (file) => {
      const inside = realpathSync(join(folder, file));
      if (!inside.startsWith(folder + sep)) throw new Error(`${file} is outside ${folder}`);
      return readFileSync(inside, "latin1");
    },
  });
}

export interface ReadOptions {
  /** What error messages call the text. Default `database`. */
  readonly name?: string;
  /** The text of an included file; throws where there is none. Default: nothing may be included. */
  readonly include?: (file: string) => string;
}

/**
 * Reads a database from text. Proofs are kept as text and checked by `verify`.
 * @throws ErrataError `METAMATH_SYNTAX` with the line, `METAMATH_INCLUDE`.
 */
export function readDatabase(text: string, options: ReadOptions = {}): Database {
  return new Reader(options).read(text);
}

class Reader {
  readonly #options: ReadOptions;
  readonly #symbols: string[] = [];
  readonly #ids = new Map<string, number>();
  readonly #isConstant = new Set<number>();
  readonly #everVariable = new Set<number>();
  /** Variables in force, with the scope that declared them. */
  readonly #variables = new Map<number, Scope>();
  /** The floating hypothesis in force of each variable. */
  readonly #floats = new Map<number, Hypothesis>();
  readonly #statements = new Map<string, Hypothesis | Assertion>();
  readonly #theorems: Assertion[] = [];
  readonly #included = new Set<string>();
  #scope: Scope = newScope(undefined);
  #order = 0;
  #text = "";
  #at = 0;
  #file: string;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#file = options.name ?? "database";
  }

  read(text: string): Database {
    this.#readFile(text, this.#file);
    if (this.#scope.parent !== undefined) throw this.#fault("a block ${ is never closed by $}");
    const isVariable = new Uint8Array(this.#symbols.length);
    for (const id of this.#everVariable) isVariable[id] = 1;
    return {
      symbols: this.#symbols,
      isVariable,
      statements: this.#statements,
      theorems: this.#theorems,
    };
  }

  #readFile(text: string, file: string): void {
    const before = [this.#text, this.#at, this.#file] as const;
    [this.#text, this.#at, this.#file] = [text, 0, file];
    let label: string | undefined;
    for (let token = this.#next(); token !== undefined; token = this.#next()) {
      if (token.charCodeAt(0) !== 36) {
        if (label !== undefined) throw this.#fault(`label ${label} is followed by ${token}`);
        if (!LABEL.test(token)) throw this.#fault(`"${token}" is no label`);
        label = token;
        continue;
      }
      this.#statement(token, label);
      label = undefined;
    }
    if (label !== undefined) throw this.#fault(`label ${label} is followed by nothing`);
    [this.#text, this.#at, this.#file] = before;
  }

  #statement(keyword: string, label: string | undefined): void {
    const labelled = "$f$e$a$p".includes(keyword);
    if (labelled !== (label !== undefined))
      throw this.#fault(labelled ? `${keyword} has no label` : `${keyword} has a label`);
    switch (keyword) {
      case "${":
        this.#scope = newScope(this.#scope);
        return;
      case "$}":
        return this.#closeScope();
      case "$c":
        return this.#declare(true);
      case "$v":
        return this.#declare(false);
      case "$d":
        return this.#distinct();
      case "$[":
        return this.#include();
      case "$f":
        return this.#floating(label!);
      case "$e":
        return this.#essential(label!);
      case "$a":
        return this.#assertion("axiom", label!, this.#expression("$."), "");
      case "$p": {
        const expression = this.#expression("$=");
        return this.#assertion("theorem", label!, expression, this.#proof());
      }
      default:
        throw this.#fault(`${keyword} is no keyword that may stand here`);
    }
  }

  #closeScope(): void {
    const closed = this.#scope;
    if (closed.parent === undefined) throw this.#fault("$} closes no block");
    for (const [variable, scope] of this.#variables)
      if (scope === closed) this.#variables.delete(variable);
    for (const [variable, float] of this.#floats)
      if (float.scope === closed) this.#floats.delete(variable);
    this.#scope = closed.parent;
  }

  #declare(constant: boolean): void {
    const names = this.#until("$.");
    if (names.length === 0) throw this.#fault("a declaration of nothing");
    if (constant && this.#scope.parent !== undefined) throw this.#fault("$c within a block");
    for (const name of names) {
      const id = this.#ids.get(name) ?? this.#symbols.push(name) - 1;
      this.#ids.set(name, id);
      if (this.#statements.has(name)) throw this.#fault(`${name} is a label already`);
      if (this.#isConstant.has(id) || this.#variables.has(id))
        throw this.#fault(`${name} is declared already`);
      if (constant) {
        if (this.#everVariable.has(id)) throw this.#fault(`${name} was a variable before`);
        this.#isConstant.add(id);
      } else {
        this.#everVariable.add(id);
        this.#variables.set(id, this.#scope);
      }
    }
  }

  #distinct(): void {
    const variables = this.#until("$.").map((name) => this.#variable(name));
    if (variables.length < 2) throw this.#fault("$d of fewer than two variables");
    variables.forEach((one, i) => {
      for (const other of variables.slice(i + 1)) {
        if (one === other) throw this.#fault(`$d names ${this.#symbols[one]} twice`);
        this.#scope.distinct.add(pairOf(one, other));
      }
    });
  }

  #floating(label: string): void {
    const expression = this.#until("$.").map((name) => this.#symbol(name));
    const [type, variable] = expression;
    if (expression.length !== 2 || !this.#isConstant.has(type!) || !this.#variables.has(variable!))
      throw this.#fault("$f takes a constant and a variable");
    if (this.#floats.has(variable!))
      throw this.#fault(`${this.#symbols[variable!]} has a type already`);
    this.#floats.set(variable!, this.#hypothesis("floating", label, expression));
  }

  #essential(label: string): void {
    const hypothesis = this.#hypothesis("essential", label, this.#expression("$."));
    this.#scope.essentials.push(hypothesis);
  }

  #hypothesis(kind: Hypothesis["kind"], label: string, expression: Expression): Hypothesis {
    const hypothesis = { kind, label, expression, scope: this.#scope, order: this.#order++ };
    this.#add(label, hypothesis);
    return hypothesis;
  }

  #assertion(kind: Assertion["kind"], label: string, expression: Expression, proof: string): void {
    const essentials: Hypothesis[] = [];
    for (let at: Scope | undefined = this.#scope; at !== undefined; at = at.parent)
      essentials.push(...at.essentials);
    const mandatory = new Set<number>();
    for (const each of [expression, ...essentials.map((hypothesis) => hypothesis.expression)])
      for (const symbol of each) if (this.#variables.has(symbol)) mandatory.add(symbol);
    const floats = [...mandatory].map((variable) => this.#floats.get(variable)!);
    const pairs: (readonly [number, number])[] = [];
    for (let at: Scope | undefined = this.#scope; at !== undefined; at = at.parent)
      for (const pair of at.distinct) {
        const [one, other] = [Math.floor(pair / 2 ** 24), pair % 2 ** 24];
        if (mandatory.has(one) && mandatory.has(other)) pairs.push([one, other]);
      }
    const assertion: Assertion = {
      kind,
      label,
      expression,
      scope: this.#scope,
      order: this.#order++,
      hypotheses: [...floats, ...essentials].sort((a, b) => a.order - b.order),
      distinct: pairs,
      proof,
    };
    this.#add(label, assertion);
    if (kind === "theorem") this.#theorems.push(assertion);
  }

  #add(label: string, statement: Hypothesis | Assertion): void {
    if (this.#statements.has(label)) throw this.#fault(`label ${label} is taken`);
    if (this.#ids.has(label)) throw this.#fault(`label ${label} is a symbol`);
    this.#statements.set(label, statement);
  }

  #expression(end: string): Expression {
    const expression = this.#until(end).map((name) => this.#symbol(name));
    if (expression.length === 0 || !this.#isConstant.has(expression[0]!))
      throw this.#fault("a statement begins with a constant");
    for (const symbol of expression)
      if (!this.#isConstant.has(symbol) && !this.#floats.has(symbol))
        throw this.#fault(`variable ${this.#symbols[symbol]} has no type: $f is missing`);
    return expression;
  }

  #symbol(name: string): number {
    const id = this.#ids.get(name);
    if (id === undefined || !(this.#isConstant.has(id) || this.#variables.has(id)))
      throw this.#fault(`symbol ${name} is not declared`);
    return id;
  }

  #variable(name: string): number {
    const id = this.#symbol(name);
    if (!this.#variables.has(id)) throw this.#fault(`${name} is no variable`);
    return id;
  }

  #include(): void {
    const [file, ...more] = this.#until("$]");
    if (file === undefined || more.length > 0) throw this.#fault("$[ takes one file name");
    if (this.#scope.parent !== undefined) throw this.#fault("$[ within a block");
    if (this.#included.has(file)) return; // a file is read once
    this.#included.add(file);
    let text: string;
    try {
      if (this.#options.include === undefined) throw new Error("this text may include no files");
      text = this.#options.include(file);
    } catch (cause) {
      throw new ErrataError(`${this.#place()}: cannot include ${file}: ${String(cause)}`, {
        code: "METAMATH_INCLUDE",
        hint: "put included files beside the one that includes them",
        cause,
      });
    }
    this.#readFile(text, file);
  }

  #until(end: string): string[] {
    const tokens: string[] = [];
    for (;;) {
      const token = this.#next();
      if (token === undefined) throw this.#fault(`the end comes before ${end}`);
      if (token === end) return tokens;
      if (token.includes("$")) throw this.#fault(`${token} comes before ${end}`);
      tokens.push(token);
    }
  }

  /** The text of a proof, comments taken out. */
  #proof(): string {
    const end = this.#text.indexOf("$.", this.#at);
    if (end < 0) throw this.#fault("the end comes before $.");
    const text = this.#text.slice(this.#at, end);
    if (text.includes("$")) return this.#until("$.").join(" ");
    this.#at = end + 2;
    return text.trim();
  }

  /** The next token, comments skipped. */
  #next(): string | undefined {
    for (;;) {
      const text = this.#text;
      let start = this.#at;
      while (start < text.length && text.charCodeAt(start) <= 32) start++;
      if (start >= text.length) {
        this.#at = start;
        return undefined;
      }
      let end = start;
      while (end < text.length && text.charCodeAt(end) > 32) end++;
      this.#at = end;
      const token = text.slice(start, end);
      if (token === "$(") {
        this.#skipComment();
        continue;
      }
      if (token === "$)") throw this.#fault("$) closes no comment");
      return token;
    }
  }

  #skipComment(): void {
    for (let at = this.#at; ; at += 2) {
      at = this.#text.indexOf("$)", at);
      if (at < 0) throw this.#fault("a comment is never closed by $)");
      const isToken = WHITESPACE.test(this.#text[at - 1]!);
      const after = this.#text[at + 2];
      if (!isToken || (after !== undefined && !WHITESPACE.test(after))) continue;
      this.#at = at + 2;
      return;
    }
  }

  #place(): string {
    let line = 1;
    for (let i = 0; i < Math.min(this.#at, this.#text.length); i++)
      if (this.#text.charCodeAt(i) === 10) line++;
    return `${this.#file}, line ${line}`;
  }

  #fault(message: string): ErrataError {
    return new ErrataError(`${this.#place()}: ${message}`, { code: "METAMATH_SYNTAX" });
  }
}

function newScope(parent: Scope | undefined): Scope {
  return { parent, distinct: new Set(), essentials: [] };
}
