//! The module `database`: SQLite for scripts.

use geppetto_js::NativeModule;
use geppetto_js::native::{Call, Fallible, Fault, Members, json, text, to_js};
use rquickjs::{Ctx, Exception, Object, Result, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement, ToSql};
use serde_json::{Map, Value as Json, json};
use std::path::PathBuf;
use std::rc::Rc;

/// A database in a file or in memory. Scripts get `exec(sql, parameters?)` and `query(sql, parameters?)`.
pub(crate) struct Database {
    /// `None`: in memory.
    pub(crate) file: Option<PathBuf>,
}

impl NativeModule for Database {
    fn name(&self) -> &str {
        "database"
    }

    fn docs(&self) -> &str {
        "An SQLite database."
    }

    fn typings(&self) -> Option<&str> {
        Some(include_str!("database.d.ts"))
    }

    fn install<'js>(&self, ctx: &Ctx<'js>) -> Result<Object<'js>> {
        let opened = match &self.file {
            Some(file) => Connection::open(file),
            None => Connection::open_in_memory(),
        };
        // A database that cannot be opened fails the building of the runtime.
        let connection = opened.map_err(|error| Exception::throw_message(ctx, &error.to_string()))?;
        // The VM has one thread, and so has the connection.
        let connection = Rc::new(connection);
        let module = Members::new(ctx)?;
        let held = connection.clone();
        module.function("exec", 2, move |call| exec(call, &held))?;
        module.function("query", 2, move |call| query(call, &connection))?;
        Ok(module.into_object())
    }
}

fn exec<'js>(call: &Call<'_, 'js>, connection: &Connection) -> Fallible<Value<'js>> {
    let mut statement = prepared(call, connection, "exec")?;
    let changes = statement.raw_execute().map_err(|error| failed("exec", &error))?;
    Ok(to_js(call, &json!({ "changes": changes, "lastInsertRowid": connection.last_insert_rowid() }))?)
}

fn query<'js>(call: &Call<'_, 'js>, connection: &Connection) -> Fallible<Value<'js>> {
    let mut statement = prepared(call, connection, "query")?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(|error| failed("query", &error))? {
        let mut object = Map::new();
        for (index, column) in columns.iter().enumerate() {
            let value = row.get_ref(index).map_err(|error| failed("query", &error))?;
            object.insert(column.clone(), from_sql(value)?);
        }
        found.push(Json::Object(object));
    }
    Ok(to_js(call, &Json::Array(found))?)
}

/// The statement with its parameters: `?` from a list, `:name` from an object.
fn prepared<'c>(call: &Call<'_, '_>, connection: &'c Connection, name: &str) -> Fallible<Statement<'c>> {
    let sql = text(call, 0, &format!("{name}: sql"))?;
    let mut statement = connection.prepare(&sql).map_err(|error| failed(name, &error))?;
    let place = format!("{name}: parameters");
    let bound = match json(call, 1, &place)? {
        None => Ok(0),
        Some(Json::Array(values)) => {
            let bind =
                |(index, value): (usize, &Json)| statement.raw_bind_parameter(index + 1, Parameter(value));
            values.iter().enumerate().try_for_each(bind).map(|()| values.len())
        }
        Some(Json::Object(values)) => {
            let mut bound = 0;
            for (key, value) in &values {
                let index = statement.parameter_index(&format!(":{key}")).ok().flatten();
                let unknown = || Fault::type_error(format!("{place}.{key}: the statement has no :{key}"));
                statement
                    .raw_bind_parameter(index.ok_or_else(unknown)?, Parameter(value))
                    .map_err(|error| failed(name, &error))?;
                bound += 1;
            }
            Ok(bound)
        }
        Some(_) => return Err(Fault::type_error(format!("{place}: expected an array or an object"))),
    };
    let (bound, wanted) = (bound.map_err(|error| failed(name, &error))?, statement.parameter_count());
    if bound != wanted {
        return Err(Fault::type_error(format!("{place}: the statement has {wanted}, got {bound}")));
    }
    Ok(statement)
}

fn failed(name: &str, error: &rusqlite::Error) -> Fault {
    Fault::Plain(format!("{name}: {error}"))
}

/// A JSON value as a parameter; arrays and objects as their text.
struct Parameter<'a>(&'a Json);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Json::Null => ToSqlOutput::Owned(rusqlite::types::Value::Null),
            Json::Bool(value) => ToSqlOutput::Owned(i64::from(*value).into()),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => ToSqlOutput::Owned(integer.into()),
                None => ToSqlOutput::Owned(number.as_f64().unwrap_or(f64::NAN).into()),
            },
            Json::String(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            other => ToSqlOutput::Owned(other.to_string().into()),
        })
    }
}

fn from_sql(value: ValueRef<'_>) -> Fallible<Json> {
    Ok(match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Real(real) => real.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(_) => return Err(Fault::type_error("query: a blob has no JSON form; use hex(…)")),
    })
}
