//! What concerns more than one recipe.
//!
//! | | |
//! | --- | --- |
//! | [`failures`] | what can go wrong, recipe by recipe, and what happens then |
//! | [`features`] | what this library has, beside its peers |
//! | [`known_bugs`] | what went wrong in other libraries |
//!
//! Each row of these pages names the test that shows it.

#[doc = include_str!("../guide/failures.md")]
pub mod failures {}

#[doc = include_str!("../guide/features.md")]
pub mod features {}

#[doc = include_str!("../guide/known-bugs.md")]
pub mod known_bugs {}
