//! When the engine's collector runs for what Rust keeps: the engine sees only its own heap grow.

use crate::Local;
use rquickjs::Ctx;

impl Local {
    /// Lets the engine look for what nobody needs any more, when so much more is kept for it than when it last did.
    /// Whoever makes values that keep something calls this before; every job ends with it.
    pub fn collect(&self, ctx: &Ctx<'_>) {
        if self.vm().shared.budget.memory.must_collect() {
            self.collect_now(ctx);
        }
    }

    /// Whether the VM may have so many bytes more, once nobody has what nobody needs.
    pub fn has_room(&self, ctx: &Ctx<'_>, bytes: usize) -> bool {
        let (memory, account) = (&self.vm().shared.budget.memory, self.owner().memory());
        if !account.has_room(bytes) && memory.may_collect() {
            self.collect_now(ctx);
        }
        account.has_room(bytes)
    }

    pub(crate) fn collect_now(&self, ctx: &Ctx<'_>) {
        // It ends by itself, and is not what the script computes.
        self.blocking(|| ctx.run_gc());
        self.vm().shared.budget.memory.collected();
    }
}
