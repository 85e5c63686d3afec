//! The rules of the center, driven as a store and a web skin would drive them, without either.
#![allow(missing_docs, reason = "tests")]

mod device;
mod identity;
mod paper;
mod portal;
mod refresh;
mod registration;
