//! What went wrong in other libraries and has no test elsewhere here. `guide/known-bugs.md` lists
//! all of it, with the test for each.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]
#![allow(clippy::unwrap_used, reason = "what a test unwraps is what it expects")]

mod elections;
mod locks;
mod queues;
#[path = "../recipes/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the recipes' own tests, which use the rest"
)]
mod support;
mod versions;
mod wrapped;
