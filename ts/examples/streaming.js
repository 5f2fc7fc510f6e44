// Streaming: listeners, late listeners, `for await`, and cancelling. No event is lost to a listener, however late.
import gp from "geppetto";
import { write } from "geppetto/terminal";

const session = gp.createSession({
  engine: gp.engines.echo({ reply: "The quick brown fox jumps over the lazy dog.", delayMs: 5 }),
});

// A run is an async iterable of its events; leaving the loop cancels nothing.
const first = session.start("Say it.");
for await (const event of first) {
  if (event.type !== "partial") continue;
  write(event.delta);
  if (event.delta.startsWith("fox")) break;
}
write("…\n");
await first.promise;

// Whoever comes late hears everything from the start.
for await (const event of first) if (event.type === "final") console.log(event.text);
/** @type {string[]} */
const types = [];
await new Promise((done) => first.on("*", (event) => types.push(event.type)).on("run-finished", done));
console.log(types.length, types[0], types.at(-1));

// Cancelling ends the run at once. Its error carries what was said until then.
const second = session.start("Again.");
second.on("interrupt", ({ text }) => console.log("interrupted; it had begun with:", text.split(" ")[0]));
second.once("partial", () => second.cancel("that is enough"));
try {
  await second.promise;
} catch (error) {
  if (!(error instanceof gp.RunError)) throw error;
  console.log(error.code, "|", error.message, "|", session.turnCount(), "turn in the history");
}

// A signal or a timeout does the same.
const third = session.start("And again.", { signal: AbortSignal.timeout(12) });
await third.promise.catch((error) => console.log(error.code));
