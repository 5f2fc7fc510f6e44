/** Writes text as it is, without a line end. Control sequences do not reach a terminal. */
export function write(text: string): void;
/**
 * Reads a line of the input; `null` at its end.
 *
 * @example
 * const name = await readLine("Your name? ");
 */
export function readLine(prompt?: string | null, options?: { signal?: import("geppetto").Signal | null | undefined } | null): Promise<string | null>;
/** Is called at Ctrl-C, in the place of what it does otherwise; `null` puts that back. */
export function onInterrupt(callback?: (() => unknown) | null): void;
declare const terminal: { write: typeof write; readLine: typeof readLine; onInterrupt: typeof onInterrupt };
export default terminal;
