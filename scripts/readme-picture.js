#!/usr/bin/env node
/**
 * Draws the README's picture from committed results: held-out accuracy by training step, a thin line
 * a seed and a thick one for their mean, light and dark.
 *
 *   node scripts/readme-picture.js            writes docs/images/curves-{light,dark}.svg
 *   node scripts/readme-picture.js --check    fails where they are not what would be written
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** What is drawn: a study's curves, the arm that stands for Errata, and what a reader is told. */
const panels = [
  {
    file: "reports/steps-arithmetic-cold/result.json",
    errata: "past-self-charge",
    title: "Long sums: GRPO can hardly start",
  },
  {
    file: "reports/steps-proof-past-self/result.json",
    errata: "past-self-charge",
    title: "Proofs: nothing gained",
  },
];

const palettes = {
  light: { ground: "#ffffff", text: "#1f2328", faint: "#d1d9e0", errata: "#0969da", grpo: "#bc4c00" },
  dark: { ground: "#0d1117", text: "#e6edf3", faint: "#30363d", errata: "#58a6ff", grpo: "#f0883e" },
};

const [width, height, left, top, gap] = [350, 190, 52, 46, 60];

/** The points of one arm, a list a seed. */
function curvesOf(file, arm) {
  const { arms } = JSON.parse(readFileSync(join(root, file), "utf8"));
  return arms.find(({ name }) => name === arm).curves.map(({ points }) => points);
}

function meanOf(curves) {
  const steps = [...new Set(curves.flatMap((c) => c.map(([step]) => step)))].toSorted((a, b) => a - b);
  return steps.map((step) => {
    const values = curves.flatMap((c) => c.filter(([s]) => s === step).map(([, a]) => a));
    return [step, values.reduce((a, b) => a + b, 0) / values.length];
  });
}

function panel({ file, errata, title }, index, colours) {
  const x0 = left + index * (width + gap);
  const arms = [
    { name: "GRPO", colour: colours.grpo, curves: curvesOf(file, "grpo") },
    { name: "Errata", colour: colours.errata, curves: curvesOf(file, errata) },
  ];
  const last = Math.max(...arms.flatMap(({ curves }) => curves.flatMap((c) => c.map(([s]) => s))));
  const at = ([step, accuracy]) =>
    `${(x0 + (step / last) * width).toFixed(1)},${(top + (1 - accuracy) * height).toFixed(1)}`;
  const line = (points, colour, stroke, opacity) =>
    `<polyline points="${points.map(at).join(" ")}" fill="none" stroke="${colour}" stroke-width="${stroke}" opacity="${opacity}"/>`;
  const label = (x, y, text, anchor, colour, weight = "normal") =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colour}" font-weight="${weight}">${text}</text>`;
  const grid = [0, 0.5, 1].flatMap((accuracy) => {
    const y = top + (1 - accuracy) * height;
    return [
      `<line x1="${x0}" y1="${y}" x2="${x0 + width}" y2="${y}" stroke="${colours.faint}"/>`,
      label(x0 - 6, y + 4, `${100 * accuracy}%`, "end", colours.text),
    ];
  });
  const ends = arms.map(({ curves }) => meanOf(curves).at(-1)[1]);
  const apart = Math.abs(ends[0] - ends[1]) * height > 16;
  return [
    label(x0, top - 20, title, "start", colours.text, "bold"),
    ...grid,
    label(x0, top + height + 18, "0", "middle", colours.text),
    label(x0 + width, top + height + 18, `${last} training steps`, "end", colours.text),
    ...arms.flatMap(({ colour, curves }) => curves.map((c) => line(c, colour, 1, 0.35))),
    ...arms.map(({ colour, curves }) => line(meanOf(curves), colour, 3, 1)),
    ...arms.map(({ name, colour }, i) => {
      const y = apart ? top + (1 - ends[i]) * height - 10 : top + height - 14 - 18 * i;
      return label(x0 + width - 4, y, name, "end", colour, "bold");
    }),
  ];
}

function picture(colours) {
  const [w, h] = [left + 2 * width + gap + 16, top + height + 34];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${w}" height="${h}" fill="${colours.ground}"/>`,
    ...panels.flatMap((p, i) => panel(p, i, colours)),
    "</svg>",
    "",
  ].join("\n");
}

const check = process.argv.includes("--check");
for (const [name, colours] of Object.entries(palettes)) {
  const path = join(root, `docs/images/curves-${name}.svg`);
  const drawn = picture(colours);
  if (!check) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, drawn);
  } else if (!existsSync(path) || readFileSync(path, "utf8") !== drawn) {
    process.stderr.write(`${path} is not what its results say: node scripts/readme-picture.js\n`);
    process.exitCode = 1;
  }
}
