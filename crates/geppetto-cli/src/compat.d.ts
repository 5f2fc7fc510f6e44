/** Throws an Error with this message unless the condition holds. */
declare function assert(condition: unknown, message?: string): asserts condition;
/** The variables of the environment that `--env` lets the script see. */
declare const ENV: { readonly [name: string]: string };
