/** Names of checkpoints on the Hugging Face Hub. */

/** Whether `name` reads like a hub id, `owner/name`. */
export function isHubId(name: string): boolean {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(name);
}
