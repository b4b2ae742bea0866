//! Who, when and where: dates of birth, names, postal addresses, and wallets.

pub(crate) mod address;
pub(crate) mod birth;
pub(crate) mod dates;
pub(crate) mod names;
pub(crate) mod person;
mod romance;
pub(crate) mod wallet;
