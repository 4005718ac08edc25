/**
 * Learning rates chosen by full studies, for `--quick` and `--no-tune`: by domain and arm. Other arms take
 * the preset's rate. Each line is a study's `rates.json`. Ablations take the preset's rate in every arm.
 */
export const tunedRates: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // errata compare cost, steps, falsifiers, overlap --domain arithmetic --steps 36; the first counts where two differ
  arithmetic: {
    errata: 1e-3,
    "errata-teacher": 2e-3,
    grpo: 1e-3,
    "dr-grpo": 1e-3,
    rloo: 1e-3,
    nsr: 5e-4,
    "w-reinforce": 5e-4,
    lens: 1e-3,
    "self-consensus": 1e-3,
    "first-error": 1e-3,
    temperature: 2e-3,
    "new-answers": 1e-3,
    "self-experts": 1e-3,
    "self-experts-unfiltered": 1e-3,
    "past-self": 1e-3,
    dpo: 5e-4,
    "hint-grpo-perfect": 1e-3,
    "hint-grpo-imperfect": 1e-3,
    "luffy-perfect": 1e-3,
    "luffy-imperfect": 1e-3,
    "behaviour-cloning-perfect": 2e-3,
    "behaviour-cloning-imperfect": 1e-3,
    "on-policy-distillation": 2e-3,
    "on-policy-distillation-imperfect": 2e-3,
    "shuffled-weak": 1e-3,
    "irrelevant-weak": 2e-3,
    "random-expert": 2e-3,
    "random-reward": 2.5e-4,
  },
};
