// Checks that every marked line of mistakes.ts is an error without its marker: a line whose marker hides some other
// error, such as a missing import, would be found by the count of errors.
import ts from "typescript";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const file = join(root, "tests/mistakes.ts");
const marker = /^\s*\/\/ @ts-expect-error.*$/gm;
const text = readFileSync(file, "utf8");
const unmarked = text.replace(marker, "//");
const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const host = ts.createCompilerHost(options);
const { getSourceFile } = host;
host.getSourceFile = (name, ...rest) => (name === file ? ts.createSourceFile(name, unmarked, options.target) : getSourceFile(name, ...rest));
const program = ts.createProgram([file, join(root, "globals.d.ts")], options, host);
const diagnostics = ts.getPreEmitDiagnostics(program);
const lines = new Set(diagnostics.map(({ file, start }) => file?.getLineAndCharacterOfPosition(start).line));
const marked = text.split("\n").flatMap((line, at) => (/^\s*\/\/ @ts-expect-error/.test(line) ? [at + 1] : []));
const harmless = marked.filter((at) => !lines.has(at));
const elsewhere = diagnostics.filter(({ file, start }) => !marked.includes(file?.getLineAndCharacterOfPosition(start).line));
for (const at of harmless) console.error(`mistakes.ts:${at + 1}: compiles, but must not: ${text.split("\n")[at]}`);
for (const { file, messageText } of elsewhere) console.error(`${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
if (harmless.length || elsewhere.length) process.exit(1);
console.log(`${marked.length} mistakes are told by the compiler`);
