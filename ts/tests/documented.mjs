// Checks that everything public in geppetto.d.ts has a doc comment, that every function has an example, and that all
// examples compile, as plain JavaScript that an editor checks.
import ts from "typescript";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const text = readFileSync(join(root, "geppetto.d.ts"), "utf8");
const source = ts.createSourceFile("geppetto.d.ts", text, ts.ScriptTarget.Latest, true);
const isDocumented = (node) => ts.getJSDocCommentsAndTags(node).length > 0;
const tags = (node) => ts.getJSDocTags(node).map((tag) => tag.tagName.text);
const typeExports = new Set(source.statements.filter(ts.isExportDeclaration).flatMap((statement) => statement.exportClause?.elements?.map((element) => element.name.text) ?? []));

const problems = [], examples = [];
function visit(node, name, needsExample) {
  const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
  if (!isDocumented(node)) problems.push(`geppetto.d.ts:${line}: ${name} has no doc comment`);
  const found = ts.getJSDocTags(node).filter((tag) => tag.tagName.text === "example");
  if (needsExample && found.length === 0 && !tags(node).includes("deprecated")) problems.push(`geppetto.d.ts:${line}: ${name} has no example`);
  for (const tag of found) examples.push({ name, line, code: ts.getTextOfJSDocComment(tag.comment) ?? "" });
}
for (const statement of source.statements) {
  const name = statement.name?.text;
  const isPublic = ts.getCombinedModifierFlags(statement) & ts.ModifierFlags.Export || typeExports.has(name);
  if (!name || !isPublic) continue;
  visit(statement, name, ts.isClassDeclaration(statement));
  for (const member of statement.members ?? []) {
    if (ts.isConstructorDeclaration(member) || (member.name && ts.isPrivateIdentifier(member.name))) continue;
    const called = member.name?.getText() ?? "[index]";
    const isCalled = ts.isMethodDeclaration(member) || ts.isMethodSignature(member);
    visit(member, `${name}.${called}`, isCalled && called !== "toJSON");
  }
}

// Each example is a function of its own; what it does not declare is there.
const PRELUDE = `import gp from "geppetto";
import { write } from "geppetto/terminal";
const engine = gp.engines.scripted({ responses: [] }), session = gp.createSession({ engine }), tools = gp.tools.createRegistry();
const builder = gp.createBuilder(), run = session.start(), turn = gp.turns.newTurn();
const ctx = /** @type {import("geppetto").ToolContext} */ (/** @type {unknown} */ (undefined));
export { builder, ctx, engine, run, session, tools, turn, write };
`;
const isTyped = (code) => /^(declare|interface|type) |\btype \w+ =|as const/m.test(code);
const files = new Map(examples.map(({ code }, index) => {
  const body = isTyped(code) ? `import type { FromSchema } from "geppetto";\n${code}\nexport type { FromSchema };` : `${PRELUDE}export async function example() {\n${code}\n}`;
  return [join(root, `tests/example-${index}.${isTyped(code) ? "ts" : "js"}`), body];
}));
const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
Object.assign(options, { allowJs: true, checkJs: true, noImplicitAny: false, useUnknownInCatchVariables: false, noUncheckedIndexedAccess: false });
const host = ts.createCompilerHost(options);
const { getSourceFile, fileExists, readFile } = host;
host.getSourceFile = (name, ...rest) => (files.has(name) ? ts.createSourceFile(name, files.get(name), options.target, true) : getSourceFile(name, ...rest));
host.fileExists = (name) => files.has(name) || fileExists(name);
host.readFile = (name) => files.get(name) ?? readFile(name);
const program = ts.createProgram([...files.keys(), join(root, "globals.d.ts")], options, host);
const names = [...files.keys()];
for (const { file, messageText } of ts.getPreEmitDiagnostics(program)) {
  const { name, line } = examples[names.indexOf(file?.fileName)] ?? { name: file?.fileName, line: 0 };
  problems.push(`geppetto.d.ts:${line}: the example of ${name} does not compile: ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
}

if (problems.length) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`${examples.length} examples compile`);
