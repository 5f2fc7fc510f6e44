// Tools: schemas, errors a model can correct, retries, hooks that change and refuse calls, parallel calls.
const gp = require("geppetto");

let attempts = 0;
const tools = gp.tools
  .createRegistry()
  .register({
    name: "weather",
    description: "The weather in a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    },
    handler: async ({ city }, ctx) => {
      attempts++;
      if (city === "Paris" && ctx.attempt === 1) throw new Error("the weather service is busy");
      ctx.emit("looked-up", { city });
      return { city, celsius: city.length };
    },
  })
  .register({ name: "launch", handler: () => "never reached" });

/** @param {string} name @param {Record<string, string>} args */
const call = (name, args) => ({ name, args });
const engine = gp.engines.scripted({
  responses: [
    { toolCalls: [call("weather", { city: "Rome" }), call("weather", { city: "Paris" }), call("weather", { town: "Oslo" })] },
    { toolCalls: [call("launch", {}), call("teleport", {})] },
    { text: "It is warm." },
  ],
});

const session = gp.createSession({
  engine,
  tools,
  toolLoop: { maxParallelTools: 3, toolErrorHandling: "retry", retryBackoffMs: 5 },
  toolHooks: {
    beforeToolCall: ({ call }) => (call.name === "launch" ? { action: "abort", error: "launching is not allowed" } : undefined),
    onToolError: ({ call, attempt, error, defaultRetry }) => {
      console.log(`attempt ${attempt} of ${call.name} failed: ${error}; retry: ${defaultRetry}`);
    },
  },
});

const run = session.start("How is the weather?");
run.on("custom", ({ name, data, origin }) => console.log(name, data, "by", origin.toolName));
run.promise.then((turn) => {
  for (const block of turn.blocks.filter((block) => block.kind === "tool_use")) {
    console.log(block.payload.error ? `error: ${block.payload.error}` : gp.turns.toolResult(block));
  }
  console.log(gp.turns.text(turn), `(${attempts} attempts)`);
});
