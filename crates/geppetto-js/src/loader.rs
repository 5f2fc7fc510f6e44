//! Modules of scripts: native ones by name, files beneath the script's folder by path. CommonJS and ES modules may
//! use each other, except that `require` cannot wait for an ES module.

use crate::call::function;
use crate::fault::{Fallible, Fault};
use crate::function::define;
use crate::script::{plain, read_bounded, read_text};
use crate::vm::Vm;
use geppetto_runner::JsError;
use rquickjs::context::EvalOptions;
use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::object::Property;
use rquickjs::{Ctx, Function, Module, Object, Result, Value};
use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What a source text is.
pub(crate) enum Kind<'js> {
    /// CommonJS, compiled: a function of `(exports, require, module, __filename, __dirname)`.
    CommonJs(Function<'js>),
    /// An ES module, compiled.
    Module(Module<'js, Declared>),
    Json,
}

/// On the first line, so that the lines of errors are those of the file. Columns of the first line are shifted.
pub(crate) const WRAPPER: &str = "(function (exports, require, module, __filename, __dirname) { ";

thread_local! {
    /// The CommonJS files of this thread's VM: columns on their first lines are shifted by the wrapper.
    static COMMON_JS: RefCell<HashSet<String>> = RefCell::default();
}

/// Whether a file was compiled as CommonJS in the VM of this thread.
pub(crate) fn is_common_js(name: &str) -> bool {
    COMMON_JS.with_borrow(|names| names.contains(name))
}

/// Tells what a text is: by its name, else CommonJS if it compiles as that, else an ES module.
pub(crate) fn kind_of<'js>(
    ctx: &Ctx<'js>,
    name: &str,
    text: &str,
) -> std::result::Result<Kind<'js>, JsError> {
    if name.ends_with(".json") {
        return Ok(Kind::Json);
    }
    let failed = |error: rquickjs::Error| placed(JsError::from_error(ctx, &error), name, text);
    let declared = || Module::declare(ctx.clone(), name, text).map_err(failed);
    if name.ends_with(".mjs") {
        return declared().map(Kind::Module);
    }
    if [".ts", ".tsx", ".mts", ".cts"].iter().any(|ending| name.ends_with(ending)) {
        return Err(plain(format!(
            "{name} is TypeScript, which is not supported yet: compile it to JavaScript first"
        )));
    }
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(name.to_owned());
    let compiled = ctx.eval_with_options::<Function<'js>, _>(format!("{WRAPPER}{text}\n}})"), options);
    let error = match compiled {
        Ok(function) => {
            COMMON_JS.with_borrow_mut(|names| names.insert(name.to_owned()));
            return Ok(Kind::CommonJs(function));
        }
        Err(error) => failed(error),
    };
    let error = crate::script::unwrapped(error);
    if name.ends_with(".cjs") {
        return Err(error);
    }
    // As Node does: what is no CommonJS but compiles as a module is one.
    match declared() {
        Ok(module) => Ok(Kind::Module(module)),
        Err(module_error) => {
            let looks_like_module =
                text.lines().any(|line| line.starts_with("import ") || line.starts_with("export "));
            Err(if looks_like_module { module_error } else { error })
        }
    }
}

/// An error of compiling a text, with a place: the engine gives none for some, and for what is not closed one behind the
/// text's end.
pub(crate) fn placed(mut error: JsError, name: &str, text: &str) -> JsError {
    let line = || error.stack.lines().next()?.trim_end_matches(')').rsplit(':').nth(1)?.parse::<usize>().ok();
    let (lines, last) = (text.split('\n').count(), text.split('\n').next_back().unwrap_or_default());
    if error.stack.is_empty() {
        error.stack = format!("    at {name}");
    } else if line().is_some_and(|line| line > lines) {
        error.message = "unexpected end of the file: something is not closed".to_owned();
        error.stack = format!("    at {name}:{lines}:{}", last.chars().count() + 1);
    }
    error
}

/// Refuses a script with the name of a native module: another that asks for that would get the script.
pub(crate) fn check_name(ctx: &Ctx<'_>, name: &str) -> std::result::Result<(), JsError> {
    if is_file(name) || !Vm::of(ctx).modules.borrow().contains_key(name) {
        return Ok(());
    }
    Err(plain(format!("a script cannot be named {name:?}: this is a module of the host")))
}

/// Runs a compiled CommonJS module and returns what it exports. `main` is the script that it was required for, its own name, or
/// empty for one that an ES module imports.
pub(crate) fn run_common_js<'js>(
    ctx: &Ctx<'js>,
    name: &str,
    body: &Function<'js>,
    main: &str,
) -> Result<Value<'js>> {
    let module = Object::new(ctx.clone())?;
    let exports = Object::new(ctx.clone())?;
    define(&module, "exports", exports.clone())?;
    define(&module, "id", name)?;
    // A text is no module of others: only files are found by their names.
    if is_file(name) {
        Vm::of(ctx).modules.borrow_mut().insert(name.to_owned(), module.clone().into_value());
    }
    let (base, main_name) = (name.to_owned(), main.to_owned());
    let require = function(ctx, "require", 1, move |call| {
        let specifier = crate::callback_context::text_arg(call, 0, "require")?;
        require_from(call.ctx(), (&base, &main_name), &specifier)
    })?;
    let main = match main == name {
        true => Some(module.clone().into_value()),
        false => Vm::of(ctx).modules.borrow().get(main).cloned(),
    };
    define(&require, "main", main)?;
    let folder =
        Path::new(name).parent().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
    let run = body.call::<_, Value<'js>>((exports, require, module.clone(), name, folder));
    if run.is_err() {
        // What failed is tried again by the next `require`.
        Vm::of(ctx).modules.borrow_mut().remove(name);
    }
    run?;
    module.get("exports")
}

fn require_from<'js>(ctx: &Ctx<'js>, (base, main): (&str, &str), specifier: &str) -> Fallible<Value<'js>> {
    let name = resolve(ctx, base, specifier).map_err(Fault::Plain)?;
    let known = Vm::of(ctx).modules.borrow().get(&name).cloned();
    if let Some(known) = known {
        return match known.as_object() {
            Some(module) if is_file(&name) => Ok(module.get("exports")?),
            _ => Ok(known),
        };
    }
    let text = read_file(ctx, Path::new(&name)).map_err(|error| Fault::Plain(error.message))?;
    match kind_of(ctx, &name, &text) {
        Ok(Kind::CommonJs(body)) => Ok(run_common_js(ctx, &name, &body, main)?),
        Ok(Kind::Json) => {
            let (module, value) = (Object::new(ctx.clone())?, read_json(ctx, &name, text)?);
            define(&module, "exports", value.clone())?;
            Vm::of(ctx).modules.borrow_mut().insert(name, module.into_value());
            Ok(value)
        }
        Ok(Kind::Module(_)) => Err(Fault::Plain(format!(
            "cannot require {specifier}: it is an ES module; use import, or import() and await it"
        ))),
        Err(error) => Err(syntax_error(ctx, &error)),
    }
}

fn read_json<'js>(ctx: &Ctx<'js>, name: &str, text: String) -> Fallible<Value<'js>> {
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(ctx.json_parse(text)?),
        Err(error) => {
            let message = format!("{name} is not valid JSON: {error}");
            Err(Fault::Js(rquickjs::Exception::throw_syntax(ctx, &message)))
        }
    }
}

/// Throws an error of compiling a module as what it is, with its position in the message.
fn syntax_error(ctx: &Ctx<'_>, error: &JsError) -> Fault {
    let position = error.stack.lines().next().unwrap_or_default().trim();
    Fault::Js(rquickjs::Exception::throw_syntax(ctx, &format!("{} ({position})", error.message)))
}

fn is_file(name: &str) -> bool {
    name.starts_with('/')
}

/// The name of a module: of a native one its name, of a file its path. In words why there is none.
fn resolve(ctx: &Ctx<'_>, base: &str, specifier: &str) -> std::result::Result<String, String> {
    if !specifier.starts_with('.') && !specifier.starts_with('/') {
        let vm = Vm::of(ctx);
        let modules = vm.modules.borrow();
        if modules.contains_key(specifier) {
            return Ok(specifier.to_owned());
        }
        let mut known: Vec<&str> = modules.keys().map(String::as_str).filter(|name| !is_file(name)).collect();
        known.sort_unstable();
        let guess = geppetto_turns::did_you_mean(specifier, known.iter().copied());
        let known = known.join(", ");
        return Err(format!(
            "cannot find module {specifier:?}: this host offers {known}; a file needs a path that begins with ./{guess}"
        ));
    }
    let mut roots = Vm::of(ctx).host.module_roots.borrow().clone();
    roots.retain(|root| !is_file(base) || Path::new(base).starts_with(root));
    let root =
        roots.first().ok_or_else(|| format!("cannot load {specifier:?}: this host allows no files"))?;
    let folder = Path::new(base).parent().filter(|_| is_file(base)).unwrap_or(root);
    find(&folder.join(specifier), &roots)
        .map_err(|why| format!("cannot find module {specifier:?} from {base}: {why}"))
}

/// The folder that a path stands for: relative to that of the script, and beneath it also after following links.
pub(crate) fn folder(ctx: &Ctx<'_>, path: &str) -> std::result::Result<PathBuf, String> {
    let roots = Vm::of(ctx).host.module_roots.borrow().clone();
    let root = roots.first().ok_or("this host allows no files")?;
    let real = root.join(path).canonicalize().ok().filter(|real| real.is_dir());
    beneath(real.ok_or_else(|| format!("there is no folder {path:?} in {}", root.display()))?, &roots)
}

fn beneath(real: PathBuf, roots: &[PathBuf]) -> std::result::Result<PathBuf, String> {
    if roots.iter().any(|root| real.starts_with(root)) {
        return Ok(real);
    }
    let folders: Vec<_> = roots.iter().map(|root| root.display().to_string()).collect();
    Err(format!("{} lies outside the script's folder {}", real.display(), folders.join(", ")))
}

/// The file that a path stands for, as it is or with an ending, beneath one of `roots` also after following links.
fn find(path: &Path, roots: &[PathBuf]) -> std::result::Result<String, String> {
    let endings = ["", ".js", ".mjs", ".cjs", ".json", "/index.js"];
    for ending in endings {
        let candidate = PathBuf::from(format!("{}{ending}", path.display()));
        let Ok(real) = candidate.canonicalize() else { continue };
        if !real.is_file() {
            continue;
        }
        let real = beneath(real, roots)?;
        return real.into_os_string().into_string().map_err(|_| "its path is not UTF-8".to_owned());
    }
    Err("there is no such file".to_owned())
}

/// Reads a module's file.
pub(crate) fn read_file(ctx: &Ctx<'_>, path: &Path) -> std::result::Result<String, JsError> {
    let largest = Vm::of(ctx).host.config.largest_source;
    let unreadable = |error| plain(format!("could not read {}: {error}", path.display()));
    read_text(read_bounded(path, largest).map_err(unreadable)?, &path.display().to_string(), largest)
}

/// Finds the modules of `import`.
pub(crate) struct Files;

impl Resolver for Files {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        resolve(ctx, base, name).map_err(|why| Fault::Plain(why).throw(ctx))
    }
}

impl Loader for Files {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        if !is_file(name) {
            let exports = Vm::of(ctx).modules.borrow().get(name).cloned();
            let missing = || Fault::Plain(format!("cannot find module {name:?}")).throw(ctx);
            return synthetic(ctx, name, exports.ok_or_else(missing)?);
        }
        let text = read_file(ctx, Path::new(name)).map_err(|error| Fault::Plain(error.message).throw(ctx))?;
        match kind_of(ctx, name, &text) {
            Ok(Kind::Module(module)) => Ok(module),
            Ok(Kind::Json) => {
                let value = read_json(ctx, name, text).map_err(|fault| fault.throw(ctx))?;
                synthetic(ctx, name, value)
            }
            Ok(Kind::CommonJs(body)) => {
                let known = Vm::of(ctx).modules.borrow().get(name).cloned();
                let exports = match known.as_ref().and_then(Value::as_object) {
                    Some(module) => module.get("exports")?,
                    None => run_common_js(ctx, name, &body, "")?,
                };
                synthetic(ctx, name, exports)
            }
            Err(error) => Err(syntax_error(ctx, &error).throw(ctx)),
        }
    }
}

/// An ES module of a value: its default export, and its properties by name where they have names of variables.
fn synthetic<'js>(ctx: &Ctx<'js>, name: &str, exports: Value<'js>) -> Result<Module<'js, Declared>> {
    let mut source = "const value = import.meta.exports;\nexport default value;\n".to_owned();
    let names = exports.as_object().map_or(Ok(Vec::new()), crate::codec::names)?;
    for (at, key) in names.iter().filter(|key| *key != "default").enumerate() {
        let key = serde_json::Value::from(key.as_str());
        source += &format!("const v{at} = value[{key}];\nexport {{ v{at} as {key} }};\n");
    }
    let module = Module::declare(ctx.clone(), name, source)?;
    module.meta()?.prop("exports", Property::from(exports).enumerable())?;
    Ok(module)
}
