//! What each VM has: the built-ins the bridge relies on, the prototypes of handles, and the host behind them.
#![allow(unsafe_code, reason = "the engine wants a marker trait for what it stores")]

use crate::codec::names::Names;
use crate::codec::shapes::Shapes;
use crate::codec::strings::Words;
use crate::fault::Fault;
use crate::globals::{self, intrinsics::Intrinsics};
use crate::host::Host;
use crate::ns;
use crate::prelude::{self, Inspection, Prelude};
use geppetto_events::RunIds;
use rquickjs::function::Constructor;
use rquickjs::runtime::UserDataGuard;
use rquickjs::{Ctx, Function, JsLifetime, Object, Result, Value};
use std::any::TypeId;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Stored in the VM as its user data: dropped with it, before it.
pub(crate) struct Vm<'js> {
    pub(crate) host: Rc<Host>,
    pub(crate) names: Names<'js>,
    pub(crate) words: Words<'js>,
    /// What plain objects inherit from.
    pub(crate) object_prototype: Object<'js>,
    /// The ids of the run whose events were last encoded, as text of the VM.
    pub(crate) run_ids: RefCell<Option<(Arc<RunIds>, [Value<'js>; 3])>>,
    /// Of handles, and the shapes of those.
    pub(crate) prototypes: RefCell<HashMap<TypeId, (Object<'js>, Shapes<'js>)>>,
    plain_shapes: OnceCell<Shapes<'js>>,
    /// Modules that have been made, by name.
    pub(crate) modules: RefCell<HashMap<String, Value<'js>>>,
    pub(crate) freeze: Function<'js>,
    pub(crate) type_error: Constructor<'js>,
    pub(crate) error: Constructor<'js>,
    /// The built-ins as they were before any script.
    intrinsics: Intrinsics<'js>,
    primordials: OnceCell<Object<'js>>,
    prelude: OnceCell<Prelude<'js>>,
    inspection: OnceCell<Inspection<'js>>,
    web: OnceCell<Object<'js>>,
    structured_clone: OnceCell<Function<'js>>,
    consts: OnceCell<Object<'js>>,
}

// SAFETY: the type is the same for every lifetime, and all its JS values have that one.
unsafe impl<'js> JsLifetime<'js> for Vm<'js> {
    type Changed<'to> = Vm<'to>;
}

impl<'js> Vm<'js> {
    /// Keeps the intrinsics and sets up the globals. The first thing that happens in a VM.
    pub(crate) fn install(ctx: &Ctx<'js>, host: Rc<Host>) -> Result<()> {
        let intrinsics = Intrinsics::keep(ctx)?;
        let object_prototype = intrinsics.get("ObjectPrototype")?.as_object().cloned();
        let vm = Vm {
            host,
            names: Names::new(),
            words: Words::default(),
            object_prototype: object_prototype.ok_or(rquickjs::Error::Unknown)?,
            run_ids: RefCell::default(),
            prototypes: RefCell::default(),
            plain_shapes: OnceCell::new(),
            modules: RefCell::default(),
            freeze: intrinsics.function("freeze")?,
            type_error: intrinsics.constructor("TypeError")?,
            error: intrinsics.constructor("Error")?,
            intrinsics,
            primordials: OnceCell::new(),
            prelude: OnceCell::new(),
            inspection: OnceCell::new(),
            web: OnceCell::new(),
            structured_clone: OnceCell::new(),
            consts: OnceCell::new(),
        };
        if ctx.store_userdata(vm).is_err() {
            return Err(Fault::Plain("the VM is set up twice".to_owned()).throw(ctx));
        }
        globals::install(ctx)
    }

    /// The built-ins as our own scripts use them, read when one is first asked for.
    ///
    /// # Errors
    /// What the engine throws where it has no room for them: no memory, no stack.
    fn primordials(&self, ctx: &Ctx<'js>) -> Result<&Object<'js>> {
        loaded(&self.primordials, || prelude::primordials(ctx, &self.intrinsics.object(ctx)?))
    }

    /// What is easier said in JavaScript.
    ///
    /// # Errors
    /// What the engine throws where it has no room for it: no memory, no stack.
    pub(crate) fn prelude(&self, ctx: &Ctx<'js>) -> Result<&Prelude<'js>> {
        loaded(&self.prelude, || Prelude::load(ctx, self.primordials(ctx)?))
    }

    /// A new `console`.
    ///
    /// # Errors
    /// See [`prelude`](Self::prelude).
    pub(crate) fn console(&self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        prelude::console(ctx, self.primordials(ctx)?)
    }

    /// `URL` and its kin, by name.
    ///
    /// # Errors
    /// See [`prelude`](Self::prelude).
    pub(crate) fn web(&self, ctx: &Ctx<'js>) -> Result<&Object<'js>> {
        loaded(&self.web, || self.inspection(ctx)?.web(ctx, self.primordials(ctx)?))
    }

    /// What `structuredClone` does.
    ///
    /// # Errors
    /// See [`prelude`](Self::prelude).
    pub(crate) fn structured_clone(&self, ctx: &Ctx<'js>) -> Result<&Function<'js>> {
        loaded(&self.structured_clone, || self.prelude(ctx)?.structured_clone(ctx, self.primordials(ctx)?))
    }

    /// The constants of the module.
    ///
    /// # Errors
    /// When the engine has no memory for them.
    pub(crate) fn consts(&self, ctx: &Ctx<'js>) -> Result<&Object<'js>> {
        loaded(&self.consts, || ns::consts(ctx))
    }

    /// How values print.
    ///
    /// # Errors
    /// See [`prelude`](Self::prelude).
    pub(crate) fn inspection(&self, ctx: &Ctx<'js>) -> Result<&Inspection<'js>> {
        loaded(&self.inspection, || Inspection::load(ctx, self.primordials(ctx)?, self.prelude(ctx)?))
    }

    /// Sees to it that turns, blocks and events find their shapes.
    ///
    /// # Errors
    /// See [`prelude`](Self::prelude).
    pub(crate) fn keep_shapes(&self, ctx: &Ctx<'js>) -> Result<()> {
        loaded(&self.plain_shapes, || Shapes::plain(ctx)).map(|_| ())
    }

    /// The state of this VM.
    ///
    /// # Panics
    /// Before [`Vm::install`], which is the first thing that happens in a VM.
    #[allow(clippy::expect_used, reason = "install is the first thing that happens in a VM")]
    pub(crate) fn of<'a>(ctx: &'a Ctx<'js>) -> UserDataGuard<'a, Self> {
        ctx.userdata().expect("the VM was set up by geppetto")
    }
}

/// What is in a cell, which is filled when something first asks.
pub(crate) fn loaded<T>(cell: &OnceCell<T>, load: impl FnOnce() -> Result<T>) -> Result<&T> {
    match cell.get() {
        Some(loaded) => Ok(loaded),
        None => {
            let loaded = load()?;
            Ok(cell.get_or_init(|| loaded))
        }
    }
}
