/** An environment of one's own: `errata env check examples/environment-gcd.ts`. */
import { defineEnvironment } from "errata";

interface State {
  readonly a: number;
  readonly b: number;
  readonly answer?: string;
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

export default defineEnvironment<State>({
  name: "gcd",
  lexicon: { symbols: [..."0123456789,="], separator: "" },
  draw({ split, level, random }) {
    const a = 3 * random.below(300) + { train: 0, validation: 1, test: 2 }[split];
    const b = 1 + random.below(999);
    return { id: `${a},${b}`, domain: "gcd", level, split, data: { a, b } };
  },
  start({ data }) {
    const state = data as unknown as State;
    const observation = `${state.a},${state.b}=`;
    return { state, observation, terminated: false, truncated: false };
  },
  step: (state, answer) => ({
    state: { ...state, answer },
    observation: "",
    terminated: true,
    truncated: false,
  }),
  judge({ end: { state } }) {
    const { a, b, answer = "" } = state;
    const correct = answer === String(gcd(a, b));
    return { correct, answer, stop: correct ? "solved" : "wrong" };
  },
  procedures: {
    correct: ({ a, b }) => String(gcd(a, b)),
    smaller: ({ a, b }) => String(Math.min(a, b)),
  },
  corrupt: (_task, [answer]) => [`${Number(answer) + 1}`],
});
