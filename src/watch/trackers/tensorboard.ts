/** Event files in the run's folder, for TensorBoard 2.21 and, by `wandb sync`, Weights & Biases. */
import { EventFile } from "./event-file.js";
import type { Batch, Tracker } from "./tracker.js";

export interface TensorBoardOptions {
  readonly folder: string;
  readonly run: string;
  readonly config: Readonly<Record<string, string | number | boolean>>;
  /** Whether steps may be in an earlier file already: then that file's do not count. */
  readonly repeats: boolean;
}

export class TensorBoard implements Tracker {
  readonly name = "tensorboard";
  readonly #options: TensorBoardOptions;
  #file: EventFile | undefined;

  constructor(options: TensorBoardOptions) {
    this.#options = options;
  }

  send(batches: readonly Batch[]): Promise<void> {
    const [first] = batches;
    if (first === undefined) return Promise.resolve();
    const { folder, run, config, repeats } = this.#options;
    if (this.#file === undefined) {
      this.#file = new EventFile(folder);
      if (repeats) this.#file.restart(first.step);
      this.#file.hyperparameters(run, config);
    }
    for (const { step, scalars, text } of batches) {
      this.#file.scalars(step, scalars);
      if (text !== undefined) this.#file.text(step, "rollouts", text);
    }
    this.#file.flush();
    return Promise.resolve();
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
