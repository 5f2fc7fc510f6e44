// An agent that keeps notes in the host's database, through tools. `session` is for the host to drive.
import gp from "geppetto";
import { exec, query } from "database";

exec("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");

const tools = gp.tools
  .createRegistry()
  .register({
    name: "keep_note",
    description: "Keeps a note for later.",
    parameters: { type: "object", properties: { text: { type: "string", minLength: 1 } }, required: ["text"] },
    handler: ({ text }) => ({ id: exec("INSERT INTO notes (text) VALUES (:text)", { text }).lastInsertRowid }),
  })
  .register({
    name: "find_notes",
    description: "Finds notes that mention a word.",
    parameters: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
    handler: ({ word }) => query("SELECT id, text FROM notes WHERE instr(lower(text), lower(?)) ORDER BY id", [word]),
  });

// Stands for a model, so that the example needs no key: what begins with "remember" is kept, questions look notes up.
const engine = gp.engines.fromFunction((turn, ctx) => {
  const last = turn.blocks.at(-1);
  if (!last) return;
  /** @param {string} name @param {import("geppetto").JsonObject} args */
  const ask = (name, args) => gp.turns.appendBlock(turn, { kind: "tool_call", name, args });
  /** @param {string} text */
  const say = (text) => {
    ctx.partial(text);
    return gp.turns.appendBlock(turn, gp.turns.newAssistantBlock(text));
  };
  if (last.kind === "tool_use") {
    const result = gp.turns.toolResult(last);
    if (!Array.isArray(result)) return say(`I keep that as note ${result.id}.`);
    const notes = result.map((note) => `Note ${note.id}: ${note.text}`);
    return say(notes.length === 0 ? "I know nothing about that." : notes.join("\n"));
  }
  const text = last.payload.text ?? "";
  const note = /^remember(?: that)?[:,]?\s+(.+)$/is.exec(text)?.[1];
  if (note !== undefined) return ask("keep_note", { text: note });
  const words = text.match(/\p{L}+/gu) ?? [];
  return ask("find_notes", { word: words.at(-1) ?? "" });
});

export const session = gp.createSession({ engine, tools });
