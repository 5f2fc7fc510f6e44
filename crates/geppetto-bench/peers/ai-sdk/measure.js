// Rows 6 and 9 with the AI SDK: the same work, its own mock model, nothing on a network. Seven samples after one to warm
// up; prints one JSON object a row, as `cargo xtask bench --json` does.
import { generateText, isStepCount, jsonSchema, streamText, tool } from "ai";
import { MockLanguageModelV4, convertArrayToReadableStream } from "ai/test";

const SAMPLES = 7;
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };

async function measure(row, name, unit, n, work, figure) {
  const samples = [];
  for (let i = 0; i <= SAMPLES; i++) {
    const began = performance.now();
    await work(n);
    samples.push(figure((performance.now() - began) / n));
  }
  const sorted = samples.slice(1).sort((a, b) => a - b);
  console.log(JSON.stringify({ row, name, unit, median: sorted[SAMPLES >> 1], min: sorted[0], max: sorted[SAMPLES - 1], n }));
}

async function stream(n) {
  const deltas = Array.from({ length: n }, () => ({ type: "text-delta", id: "t", delta: "delta" }));
  const parts = [
    { type: "stream-start", warnings: [] }, { type: "text-start", id: "t" }, ...deltas, { type: "text-end", id: "t" },
    { type: "finish", finishReason: { unified: "stop" }, usage },
  ];
  const model = new MockLanguageModelV4({ doStream: async () => ({ stream: convertArrayToReadableStream(parts) }) });
  let heard = 0;
  for await (const delta of streamText({ model, prompt: "go" }).textStream) if (delta !== "") heard++;
  if (heard !== n) throw new Error(`heard ${heard} of ${n} deltas`);
}

const add = tool({
  inputSchema: jsonSchema({ type: "object", properties: { a: { type: "number" } }, required: ["a"] }),
  execute: async ({ a }) => ({ sum: a + 1 }),
});

async function loop(n) {
  for (let i = 0; i < n; i++) {
    let calls = 0;
    const answer = (content, reason) => ({ content, finishReason: { unified: reason }, usage, warnings: [] });
    const model = new MockLanguageModelV4({
      doGenerate: async () =>
        calls++ === 0
          ? answer([{ type: "tool-call", toolCallId: "c", toolName: "add", input: '{"a":1}' }], "tool-calls")
          : answer([{ type: "text", text: "done" }], "stop"),
    });
    const { text } = await generateText({ model, tools: { add }, stopWhen: isStepCount(3), prompt: "go" });
    if (text !== "done" || calls !== 2) throw new Error(`${calls} calls, ${text}`);
  }
}

await measure(6, "AI SDK streamText: text deltas to one reader", "/s", 100_000, stream, (ms) => 1000 / ms);
await measure(9, "AI SDK generateText: model twice + tool", "µs", 500, loop, (ms) => ms * 1000);
