import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  contrastiveLoss,
  effectiveRank,
  embedSteps,
  loadHead,
  newHead,
  observe,
  saveHead,
  updateHead,
  type Anchor,
} from "./contrast-head.js";
import { Random } from "../util/random.js";

const random = Random.from(0, "contrast-head");
const vector = (D: number): Float32Array =>
  Float32Array.from({ length: D }, () => random.normal() * 2 + 1);
const hidden = Array.from({ length: 7 }, () => vector(6));
const anchors: Anchor[] = [
  { anchor: 0, positives: [1, 2], negatives: [3, 4, 5] },
  { anchor: 1, positives: [0], negatives: [3, 6] },
];
const head = observe(newHead(6, 4, random), hidden);

describe("the contrastive loss", () => {
  test("is the formula", () => {
    const z = embedSteps(head, hidden);
    const s = (a: number, b: number): number =>
      z[a]!.reduce((t, v, k) => t + v * z[b]![k]!, 0) / 0.5;
    const lse = (...x: number[]): number => Math.log(x.reduce((a, b) => a + Math.exp(b), 0));
    const first = lse(s(0, 1), s(0, 2), s(0, 3), s(0, 4), s(0, 5)) - (s(0, 1) + s(0, 2)) / 2;
    const second = lse(s(1, 0), s(1, 3), s(1, 6)) - s(1, 0);
    const { loss, losses } = contrastiveLoss(head, hidden, anchors, 0.5);
    expect(losses[0]).toBeCloseTo(first, 4);
    expect(losses[1]).toBeCloseTo(second, 4);
    expect(loss).toBeCloseTo((first + second) / 2, 4);
  });

  test("has the gradients that finite differences give, by hidden state and by weight", () => {
    const { hiddenGradients, projectionGradient } = contrastiveLoss(head, hidden, anchors, 0.5);
    const h = 1e-2;
    const slope = (change: (by: number) => number): number => (change(h) - change(-h)) / (2 * h);
    for (let i = 0; i < hidden.length; i++)
      for (let j = 0; j < 6; j++) {
        const measured = slope((by) => {
          const moved = hidden.map((v) => Float32Array.from(v));
          moved[i]![j]! += by;
          return contrastiveLoss(head, moved, anchors, 0.5).loss;
        });
        expect(hiddenGradients[i]![j]).toBeCloseTo(measured, 3);
      }
    for (let w = 0; w < head.projection.length; w++) {
      const measured = slope((by) => {
        const projection = Float32Array.from(head.projection);
        projection[w]! += by;
        return contrastiveLoss({ ...head, projection }, hidden, anchors, 0.5).loss;
      });
      expect(projectionGradient[w]).toBeCloseTo(measured, 3);
    }
  });

  test("falls as the head learns, and embeddings keep length 1", () => {
    let learned = head;
    const before = contrastiveLoss(learned, hidden, anchors, 0.1).loss;
    for (let step = 0; step < 200; step++)
      learned = updateHead(
        learned,
        contrastiveLoss(learned, hidden, anchors, 0.1).projectionGradient,
        1e-2,
      );
    const after = contrastiveLoss(learned, hidden, anchors, 0.1);
    expect(after.loss).toBeLessThan(before / 3);
    for (const z of after.embeddings) expect(Math.hypot(...z)).toBeCloseTo(1, 5);
  });
});

test("hidden states are centred and scaled by running statistics", () => {
  const wide = newHead(2, 2, Random.from(1, "wide"));
  const batch = [Float32Array.of(1, 10), Float32Array.of(3, 30)];
  const seen = observe(wide, batch);
  expect([...seen.mean]).toEqual([2, 20]);
  expect([...seen.variance]).toEqual([1, 100]);
  const again = observe({ ...seen, steps: 1 }, [Float32Array.of(2, 20), Float32Array.of(2, 40)]);
  expect(again.mean[1]).toBeCloseTo(21, 4);
});

test("the effective rank counts directions", () => {
  const axis = (k: number, sign = 1): Float32Array =>
    Float32Array.from({ length: 4 }, (_, i) => (i === k ? sign : 0));
  expect(effectiveRank([axis(0), axis(0, -1)])).toBeCloseTo(1, 6);
  expect(effectiveRank([0, 1, 2, 3].flatMap((k) => [axis(k), axis(k, -1)]))).toBeCloseTo(4, 6);
});

test("a saved head is the same head", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "errata-")), "head.safetensors");
  await saveHead(path, { ...head, steps: 5 });
  expect(await loadHead(path)).toEqual({ ...head, steps: 5 });
});
