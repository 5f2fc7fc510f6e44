//! What each VM has: the built-ins the bridge relies on, the prototypes of handles, and the host behind them.
#![allow(unsafe_code, reason = "the engine wants a marker trait for what it stores")]

use crate::codec::names::Names;
use crate::function::Members;
use crate::host::Host;
use crate::prelude::Prelude;
use crate::{fault::Fault, globals};
use geppetto_events::RunIds;
use rquickjs::function::Constructor;
use rquickjs::runtime::UserDataGuard;
use rquickjs::{Ctx, Function, JsLifetime, Object, Result, Value};
use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Stored in the VM as its user data: dropped with it, before it.
pub(crate) struct Vm<'js> {
    pub(crate) host: Rc<Host>,
    pub(crate) names: Names<'js>,
    /// What plain objects inherit from.
    pub(crate) object_prototype: Object<'js>,
    /// The ids of the run whose events were last encoded, as text of the VM.
    pub(crate) run_ids: RefCell<Option<(Arc<RunIds>, [Value<'js>; 3])>>,
    pub(crate) prototypes: RefCell<HashMap<TypeId, Object<'js>>>,
    /// Modules that have been made, by name.
    pub(crate) modules: RefCell<HashMap<String, Value<'js>>>,
    pub(crate) freeze: Function<'js>,
    pub(crate) deep_freeze: Function<'js>,
    pub(crate) settle: Function<'js>,
    pub(crate) make_next: Function<'js>,
    pub(crate) bind_methods: Function<'js>,
    pub(crate) quiet: Function<'js>,
    pub(crate) plain: Function<'js>,
    pub(crate) to_well_formed: Function<'js>,
    pub(crate) make_run_error: Function<'js>,
    pub(crate) caller_stack: Function<'js>,
    pub(crate) carried: Function<'js>,
    pub(crate) run_error: Value<'js>,
    pub(crate) make_signal: Function<'js>,
    pub(crate) token_of: Function<'js>,
    pub(crate) dispatch_abort: Function<'js>,
    pub(crate) inspect: Function<'js>,
    pub(crate) type_error: Constructor<'js>,
    pub(crate) error: Constructor<'js>,
    pub(crate) kind_of: Function<'js>,
    pub(crate) heed: Function<'js>,
    pub(crate) is_thenable: Function<'js>,
}

// SAFETY: the type is the same for every lifetime, and all its JS values have that one.
unsafe impl<'js> JsLifetime<'js> for Vm<'js> {
    type Changed<'to> = Vm<'to>;
}

impl<'js> Vm<'js> {
    /// Evaluates our own scripts and sets up the globals. The first thing that happens in a VM.
    pub(crate) fn install(ctx: &Ctx<'js>, host: Rc<Host>) -> Result<()> {
        let object_prototype = ctx.globals().get::<_, Object<'js>>("Object")?.get("prototype")?;
        let native = Members::new(ctx)?;
        globals::console::natives(&native)?;
        globals::inspect::natives(&native)?;
        globals::abort::natives(&native)?;
        globals::web::natives(&native)?;
        let native = native.object;
        let own = Prelude::load(ctx)?;
        let kept: Object<'js> = own.primordials.call(())?;
        let layout: Object<'js> = own.layout.call((kept.clone(),))?;
        let inspection: Object<'js> = own.inspect.call((native.clone(), kept.clone(), layout))?;
        let shared = (native, kept, inspection.clone());
        own.console.call::<_, ()>(shared.clone())?;
        let prelude: Object<'js> = own.prelude.call(shared.clone())?;
        own.clone.call::<_, ()>(shared.clone())?;
        own.web.call::<_, ()>(shared)?;
        let vm = Vm {
            host,
            names: Names::new(ctx)?,
            object_prototype,
            run_ids: RefCell::default(),
            prototypes: RefCell::default(),
            modules: RefCell::default(),
            freeze: prelude.get("freeze")?,
            deep_freeze: prelude.get("deepFreeze")?,
            settle: prelude.get("settle")?,
            make_next: prelude.get("makeNext")?,
            bind_methods: prelude.get("bindMethods")?,
            quiet: prelude.get("quiet")?,
            plain: prelude.get("plain")?,
            to_well_formed: prelude.get("toWellFormed")?,
            make_run_error: prelude.get("makeRunError")?,
            caller_stack: prelude.get("callerStack")?,
            carried: prelude.get("carried")?,
            run_error: prelude.get("RunError")?,
            make_signal: prelude.get("makeSignal")?,
            token_of: prelude.get("tokenOf")?,
            dispatch_abort: prelude.get("dispatchAbort")?,
            inspect: inspection.get("shown")?,
            type_error: prelude.get("TypeError")?,
            error: prelude.get("Error")?,
            kind_of: prelude.get("kindOf")?,
            heed: prelude.get("heed")?,
            is_thenable: prelude.get("isThenable")?,
        };
        if ctx.store_userdata(vm).is_err() {
            return Err(Fault::Plain("the VM is set up twice".to_owned()).throw(ctx));
        }
        globals::timers::install(ctx)
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
