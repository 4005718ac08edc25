/** Which trackers a run is told to. */
import { z } from "zod";
import type { Options } from "../../util/options.js";

/** Every tracker. */
export const trackers = ["tensorboard", "trackio", "wandb"] as const;
export type TrackerName = (typeof trackers)[number];

/** The key `track`. */
export const trackSchema = z
  .array(z.enum(trackers))
  .default([])
  .describe(
    "Trackers told of the run while it trains: `tensorboard` and `wandb` write event files into the run's folder, `trackio` is sent to over HTTP; none by default.",
  );

/** The key `track`, checked. */
export type TrackOptions = Options<typeof trackSchema>;
