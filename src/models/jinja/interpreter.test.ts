/** Templates against Jinja2 as transformers sets it up: scripts/golden/make-templates.py wrote the golden values. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseTemplate, renderTemplate } from "./interpreter.js";
import { NotComputed } from "./values.js";

interface Case {
  readonly template: string;
  readonly text?: string;
  readonly error?: string;
}
const { variables, cases } = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "golden", "templates.json"), "utf8"),
) as { variables: Record<string, unknown>; cases: Case[] };

const render = (template: string, date?: string): string =>
  renderTemplate(parseTemplate(template), variables, { date });

/** The error of rendering; undefined where there is none. */
function failure(template: string): unknown {
  try {
    render(template);
    return undefined;
  } catch (error) {
    return error;
  }
}

const rendered = cases.filter((c) => c.text !== undefined);
const refused = (c: Case): boolean => failure(c.template) !== undefined;

describe("a template", () => {
  test.each(rendered.map((c) => [c.template, c] as const))(
    "gives the text of Jinja2, or is refused: %j",
    (template, { text }) => {
      const error = failure(template);
      if (error === undefined) expect(render(template)).toBe(text);
      else expect(error).toBeInstanceOf(Error);
    },
  );

  test.each(cases.filter((c) => c.text === undefined).map((c) => c.template))(
    "that Jinja2 refuses is refused: %j",
    (template) => expect(failure(template)).toBeInstanceOf(Error),
  );

  test("is refused for few things, and those by name", () => {
    const names = rendered
      .filter(refused)
      .map((c) => `${c.template} ${String(failure(c.template))}`);
    expect(names.length).toBeLessThan(45);
    expect(names).toMatchSnapshot();
  });

  test("strips what it is told to strip, keeps text before break and continue, divides like Python", () => {
    for (const template of [
      '{{ messages[1].content.strip("\\n") }}',
      '{{ messages[2].content.lstrip("\\n") }}',
      '{{ word.strip("x") }}',
      "{{ -7 % 3 }}",
      "{% for n in numbers %}a{{ n }}{% if n == 1 %}b{% break %}{% endif %}c{% endfor %}.",
      "{% for n in numbers %}{% for w in words %}{{ w }}{% if w == 'A' %}!{% break %}{% endif %}{% endfor %}{{ n }};{% endfor %}",
    ])
      expect(failure(template), template).toBeUndefined();
  });
});

describe("strftime_now", () => {
  test("tells the day that it is given, as Python writes it", () => {
    const format = (f: string): string => render(`{{ strftime_now("${f}") }}`, "2026-03-05");
    expect(format("%d %b %Y")).toBe("05 Mar 2026");
    expect(format("%A, %B %e, %Y (%F, %j, %a %y) %H:%M:%S 100%%")).toBe(
      "Thursday, March  5, 2026 (2026-03-05, 064, Thu 26) 00:00:00 100%",
    );
    expect(() => format("%Q")).toThrow(NotComputed);
  });

  test("is refused where nobody has fixed a day", () => {
    expect(() => render('{{ strftime_now("%Y") }}')).toThrow(/strftime_now without a date/);
  });
});
