export const root: string;
export const staged: string;
export function stagePages(): string[];
export function relinked(text: string, change: (target: string) => string): string;
