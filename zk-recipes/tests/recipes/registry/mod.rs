//! Service discovery.

mod provider;
mod registration;
mod view;
