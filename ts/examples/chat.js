// A chat in the terminal: answers stream, a tool tells the time, Ctrl-C stops an answer and keeps the conversation.
//
//   geppetto fake-provider &                     a server that stands for a model
//   geppetto run --allow-net 127.0.0.1 ts/examples/chat.js openai http://127.0.0.1:8091/v1
//   geppetto run ts/examples/chat.js             the model of your profile, or of GEPPETTO_PROFILE
import gp from "geppetto";
import { onInterrupt, readLine, write } from "geppetto/terminal";

const [format, baseURL] = gp.args;
const apiType = /** @type {"openai" | "openai-responses" | "claude" | "gemini" | "ollama"} */ (format);
const engine = format ? gp.engines.fromConfig({ model: "fake", apiType, baseURL }) : gp.engines.fromProfile();

const tools = gp.tools.createRegistry().register({
  name: "time",
  description: "The time of day, as hours and minutes in UTC.",
  parameters: { type: "object", properties: {} },
  handler: () => new Date().toISOString().slice(11, 16),
});

const session = gp.createSession({ engine, tools, middlewares: [gp.middlewares.host("systemPrompt", { prompt: "You are brief." })] });

for (;;) {
  const line = await readLine("> ");
  if (line === null) break;
  if (line.trim() === "") continue;
  const run = session.start(line, { keepPartial: true });
  onInterrupt(() => run.cancel("Ctrl-C"));
  run.on("partial", (event) => write(event.delta));
  run.on("tool-call", (event) => write(`[${event.toolCall.name}] `));
  try {
    await run.promise;
    write("\n");
  } catch (error) {
    if (!(error instanceof gp.RunError)) throw error;
    write(error.code === "cancelled" ? " (stopped)\n" : `\n${error.message}\n`);
  } finally {
    onInterrupt(null);
  }
}
