// Prints the names that the typings declare, as JSON, for the parity test: what `present.js` prints of the running
// module must be the same.
import ts from "typescript";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const entry = join(root, "geppetto.d.ts");
const program = ts.createProgram([entry], { target: ts.ScriptTarget.ESNext, lib: ["lib.es2024.d.ts"], strict: true, types: [] });
const checker = program.getTypeChecker();
const source = program.getSourceFile(entry);
const module = checker.getSymbolAtLocation(source);
const exported = checker.getExportsOfModule(module);

const typeOf = (name) => {
  const found = exported.find((symbol) => symbol.name === name) ?? checker.resolveName(name, source, ts.SymbolFlags.Type, false);
  if (!found) throw new Error(`the typings declare no ${name}`);
  return checker.getDeclaredTypeOfSymbol(found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found);
};
const nameOf = (symbol) => (symbol.name.startsWith("__@") ? `[${symbol.name.slice(3).split("@")[0]}]` : symbol.name);
const isNever = (symbol) => (checker.getTypeOfSymbol(symbol).flags & (ts.TypeFlags.Never | ts.TypeFlags.Undefined)) !== 0;
const members = (type) => checker.getPropertiesOfType(type).filter((symbol) => !isNever(symbol)).map(nameOf).filter((name) => !name.startsWith("#")).sort();
const listed = (names) => Object.fromEntries(names.map((name) => [name, members(typeOf(name))]));
const nested = (type) => Object.fromEntries(checker.getPropertiesOfType(type).map((symbol) => [symbol.name, members(checker.getTypeOfSymbol(symbol))]));
const isValue = (symbol) => ((symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol).flags & ts.SymbolFlags.Value) !== 0 && !checker.getTypeOnlyAliasDeclaration?.(symbol);
const typeOnly = (symbol) => symbol.declarations?.some((declaration) => ts.isExportSpecifier(declaration) && declaration.parent.parent.isTypeOnly);

console.log(JSON.stringify({
  exports: exported.filter((symbol) => isValue(symbol) && !typeOnly(symbol) && symbol.name !== "default").map((symbol) => symbol.name).sort(),
  default: members(typeOf("Geppetto")),
  namespaces: listed(["TurnsNamespace", "EnginesNamespace", "MiddlewaresNamespace", "ToolsNamespace", "SchemaNamespace"]),
  handles: { Engine: [...new Set([...members(typeOf("Engine")), ...members(typeOf("ScriptedEngine"))])].sort(), ...listed(["Middleware", "ToolRegistry", "Builder", "Session", "RunHandle", "EventIterator"]) },
  consts: nested(typeOf("Consts")),
  events: members(typeOf("RunEventMap")),
  options: listed([
    "EchoOptions", "ScriptedOptions", "ScriptedResponse", "ScriptedToolCall", "ScriptedUsage", "ScriptedError", "EngineOptions",
    "NextOptions", "ToolOptions", "ToolLoopOptions", "ToolHooks", "SessionOptions", "BuilderOptions", "RunOptions", "InferenceOptions",
    "BeforeToolCallResult", "AfterToolCallResult", "OnToolErrorResult", "TurnInput", "BlockInput",
  ]),
  contexts: listed(["EngineContext", "MiddlewareContext", "ToolContext", "HookContext", "BeforeToolCall", "AfterToolCall", "OnToolError"]),
  errors: members(typeOf("RunError")).filter((name) => !["message", "name", "stack"].includes(name)),
}, null, 1));
