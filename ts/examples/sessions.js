// A session keeps a conversation: seeds, history, snapshots, and what happens when a run fails.
const gp = require("geppetto");

const engine = gp.engines.scripted({
  responses: [
    { text: "Hello Ada!" },
    { text: "You are Ada.", usage: { inputTokens: 12, outputTokens: 4 } },
    { text: "I was about to say", error: { message: "overloaded", status: 529, retryable: true } },
    { text: "… that Ada is a fine name." },
  ],
});
const session = gp.createSession({ engine, id: "conversation" });

// A string is the next thing the person says.
session.run("My name is Ada.");
const turn = session.run("Who am I?", { tags: { step: "second" } });
console.log(gp.turns.text(turn), turn.metadata?.usage);

// Turns are cumulative, and what a session returns is a snapshot: changing it changes nothing.
console.log(session.turns().map((turn) => turn.blocks.length));
const latest = session.latest();
if (latest) latest.blocks.length = 0;
console.log(session.latest()?.blocks.length);

// A failed run leaves the history as it was. Its error carries everything that had completed …
try {
  session.run("And is it a fine name?");
} catch (error) {
  if (!(error instanceof gp.RunError) || !error.partialTurn) throw error;
  console.log(error.code, error.status, error.retryable, session.turnCount());
  console.log(gp.turns.text(error.partialTurn));
  // … which can be appended and continued.
  session.append(error.partialTurn);
}
console.log(gp.turns.text(session.run("Go on.")), session.turnCount());
