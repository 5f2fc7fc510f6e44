/** What a statement takes: values for each `?`, or for each `:name`. */
export type Parameters = readonly (string | number | boolean | null)[] | { readonly [name: string]: string | number | boolean | null };
/** Runs a statement that returns nothing. */
export function exec(sql: string, parameters?: Parameters | null): { changes: number; lastInsertRowid: number };
/**
 * Runs a query and gives its rows.
 *
 * @example
 * const [{ count }] = query("SELECT count(*) AS count FROM notes WHERE text LIKE ?", ["%key%"]);
 */
export function query(sql: string, parameters?: Parameters | null): { [column: string]: any }[];
