// An agent with one tool, a middleware and live streaming.
//
//   geppetto run ts/examples/quickstart.js "What is 17 * 23?"
//
// It needs no key: a scripted engine stands for the model. With a real one, `standIn` goes and the engine becomes
// gp.engines.fromConfig({ model: "…" }).
const gp = require("geppetto");
const terminal = require("geppetto/terminal");

const question = gp.args[0] ?? "What is 17 * 23?";
const [a = 17, b = 23] = (question.match(/\d+/g) ?? []).map(Number);

// What the model may call. The arguments are checked against the schema before the handler runs.
const tools = gp.tools.createRegistry().register({
  name: "multiply",
  description: "Multiplies two integers.",
  parameters: {
    type: "object",
    properties: { a: { type: "integer" }, b: { type: "integer" } },
    required: ["a", "b"],
  },
  handler: ({ a, b }, ctx) => {
    ctx.log.debug("multiplying", { a, b });
    return { product: a * b };
  },
});

// The model: first it asks for the tool …
const engine = gp.engines.scripted({
  responses: [{ text: "Let me calculate. ", toolCalls: [{ name: "multiply", args: { a, b } }], delayMs: 30 }],
});

// … and once the tool has answered, another engine says what came out.
const standIn = gp.middlewares.fromAsync(async (turn, next) => {
  const answer = turn.blocks.findLast((block) => block.kind === gp.consts.BlockKind.TOOL_USE);
  if (!answer) return next(turn);
  const { product } = gp.turns.toolResult(answer);
  const text = `The product of ${a} and ${b} is ${product}.`;
  return next(turn, { engine: gp.engines.scripted({ responses: [{ text, delayMs: 30 }] }) });
}, "standIn");

const session = gp
  .createBuilder({ engine })
  .useHostMiddleware("systemPrompt", { prompt: "You are a careful calculator. Use your tools." })
  .useMiddleware(standIn)
  .withTools(tools, { maxIterations: 3 })
  .buildSession();

const run = session.start(question, { timeoutMs: 30_000 });
run
  .on("partial", (event) => terminal.write(event.delta))
  .on("tool-call", ({ toolCall }) => terminal.write(`\n[${toolCall.name} ${toolCall.input}]\n`))
  .on("run-finished", ({ status, durationMs }) => {
    terminal.write("\n");
    if (status !== "completed") console.error(`${status} after ${durationMs} ms`);
  });
