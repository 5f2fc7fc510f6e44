//! What reading a value costs, counted while it is read: nothing could stop it otherwise.

use super::CodecError;
use crate::host::Host;
use geppetto_runner::Local;
use rquickjs::Ctx;

const MAX_VALUES: usize = 1_000_000;
const MAX_TEXT: usize = 64 * 1024 * 1024;
/// About as many bytes as a value takes beside its text.
const VALUE_SIZE: usize = 96;
/// About as many more as a map takes.
const MAP_SIZE: usize = 384;
/// After so many values reading stops if the job has to.
const CHECKED_EVERY: usize = 16 * 1024;
/// The VM is asked for room each time that so many more bytes were read: what is smaller ends it only if it is kept.
const ASKED_EVERY: usize = 16 * 1024 * 1024;

/// What has been read so far.
#[derive(Default)]
pub(crate) struct Cost {
    values: usize,
    text: usize,
    maps: usize,
    /// The size when the VM was last asked for room.
    asked: usize,
}

impl Cost {
    /// One more value, with so many bytes of text.
    pub(crate) fn value(&mut self, ctx: &Ctx<'_>, text: usize) -> Result<(), CodecError> {
        self.values += 1;
        self.text += text;
        if self.values > MAX_VALUES {
            return Err(CodecError::new(format!("too large: more than {MAX_VALUES} values")));
        }
        if self.text > MAX_TEXT {
            return Err(CodecError::new(format!("too large: more than {} MiB of text", MAX_TEXT >> 20)));
        }
        if self.values.is_multiple_of(CHECKED_EVERY)
            && let Some(local) = Local::current()
        {
            local.check(ctx)?;
        }
        let size = self.values * VALUE_SIZE + self.maps * MAP_SIZE + self.text;
        if size >= self.asked + ASKED_EVERY {
            self.asked = size;
            if !Host::has_room(ctx, size) {
                return Err(CodecError::new("too large: it needs more memory than the script may have"));
            }
        }
        Ok(())
    }

    /// One more map.
    pub(crate) fn map(&mut self, ctx: &Ctx<'_>) -> Result<(), CodecError> {
        self.maps += 1;
        self.value(ctx, 0)
    }

    /// The key of a value that is counted by itself.
    pub(crate) fn key(&mut self, name: &str) {
        self.text += name.len();
    }
}
