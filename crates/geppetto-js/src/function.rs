//! Namespaces and prototypes: one way to fill them. Native modules of hosts use the same.

use crate::call::{Call, function, hidden, stateless};
use crate::codec::properties::{self, OwnName};
use crate::fault::Fallible;
use crate::lazy::{self, Made};
use rquickjs::{Ctx, IntoJs, Object, Result, Value, qjs};

/// Defines an own property that is enumerable, writable and configurable: what an assignment to a fresh object does,
/// without running setters of its prototypes.
pub(crate) fn define<'js, V: IntoJs<'js>>(object: &Object<'js>, name: &str, value: V) -> Result<()> {
    let value = value.into_js(object.ctx())?;
    properties::define(object, OwnName::new(object.ctx(), name)?.name(), &value)
}

/// A namespace or prototype that is being filled.
pub struct Members<'js> {
    pub(crate) object: Object<'js>,
    /// Whether its functions are for our own scripts alone.
    pub(crate) is_hidden: bool,
}

impl<'js> Members<'js> {
    /// An empty one.
    ///
    /// # Errors
    /// When the engine has no memory for it.
    pub fn new(ctx: &Ctx<'js>) -> Result<Self> {
        Ok(Self::of(Object::new(ctx.clone())?))
    }

    /// One that is there already.
    pub(crate) fn of(object: Object<'js>) -> Self {
        Self { object, is_hidden: false }
    }

    /// One whose functions are for our own scripts: no other may get at them.
    pub(crate) fn hidden(ctx: &Ctx<'js>) -> Result<Self> {
        Ok(Self { is_hidden: true, ..Self::new(ctx)? })
    }

    /// The object.
    #[must_use]
    pub fn into_object(self) -> Object<'js> {
        self.object
    }

    /// Adds a function that is not enumerable.
    pub(crate) fn method<F>(&self, name: &str, length: u8, body: F) -> Result<&Self>
    where
        F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        self.add(name, length, 0, body)
    }

    /// Adds a function that can be replaced, as those of the engine can.
    pub(crate) fn replaceable<F>(&self, name: &str, length: u8, body: F) -> Result<&Self>
    where
        F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        self.add(name, length, qjs::JS_PROP_WRITABLE | qjs::JS_PROP_CONFIGURABLE, body)
    }

    /// Adds a function to a namespace. Its name is kept as long as the process lives.
    ///
    /// # Errors
    /// When the engine has no memory for it.
    pub fn function<F>(&self, name: &str, length: u8, body: F) -> Result<&Self>
    where
        F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        self.add(name, length, qjs::JS_PROP_ENUMERABLE, body)
    }

    fn add<F>(&self, name: &str, length: u8, flags: u32, body: F) -> Result<&Self>
    where
        F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        if self.is_hidden {
            return self.put(name, flags, hidden(self.object.ctx(), body)?);
        }
        if let Some(function) = stateless(&body)
            && lazy::define(&self.object, name, flags, Made::Function(function, length))?
        {
            std::mem::forget(body);
            return Ok(self);
        }
        self.put(name, flags, function(self.object.ctx(), name, length.into(), body)?)
    }

    /// Adds a text to a namespace.
    pub(crate) fn text(&self, name: &str, text: &str) -> Result<&Self> {
        if lazy::define(&self.object, name, qjs::JS_PROP_ENUMERABLE, Made::Text(text))? {
            return Ok(self);
        }
        self.value(name, text)
    }

    /// Adds a value to a namespace.
    pub(crate) fn value<V: IntoJs<'js>>(&self, name: &str, value: V) -> Result<&Self> {
        self.put(name, qjs::JS_PROP_ENUMERABLE, value)
    }

    fn put<V: IntoJs<'js>>(&self, name: &str, flags: u32, value: V) -> Result<&Self> {
        let ctx = self.object.ctx();
        let (name, value) = (OwnName::new(ctx, name)?, value.into_js(ctx)?);
        properties::define_with(&self.object, name.name(), &value, flags)?;
        Ok(self)
    }

    /// Adds an enumerable property that is made when somebody reads it.
    pub(crate) fn lazy<F>(&self, name: &str, body: F) -> Result<&Self>
    where
        F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        let get = function(self.object.ctx(), name, 0, body)?;
        properties::define_accessor(&self.object, name, &get.into_value(), None, qjs::JS_PROP_ENUMERABLE)?;
        Ok(self)
    }

    /// Adds a property that a getter and a setter stand for until one of them replaces it.
    pub(crate) fn accessor<G, S>(&self, name: &str, get: G, set: S) -> Result<&Self>
    where
        G: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
        S: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        let ctx = self.object.ctx();
        let (get, set) =
            (function(ctx, name, 0, get)?.into_value(), function(ctx, name, 1, set)?.into_value());
        properties::define_accessor(&self.object, name, &get, Some(&set), qjs::JS_PROP_CONFIGURABLE)?;
        Ok(self)
    }

    /// Adds a getter, named as the engine names its own.
    pub(crate) fn getter<F>(&self, name: &str, body: F) -> Result<&Self>
    where
        F: for<'a> Fn(&Call<'a, 'js>) -> Fallible<Value<'js>> + 'js,
    {
        let get = function(self.object.ctx(), &format!("get {name}"), 0, body)?;
        properties::define_accessor(&self.object, name, &get.into_value(), None, 0)?;
        Ok(self)
    }

    /// The object, to which nothing can be added. What is in it cannot be replaced either, but for what was put there
    /// without these methods.
    pub(crate) fn frozen(self) -> Result<Object<'js>> {
        properties::prevent_extensions(&self.object)?;
        Ok(self.object)
    }
}
