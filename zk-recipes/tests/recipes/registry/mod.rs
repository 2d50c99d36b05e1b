//! Service discovery.

mod registration;
mod view;
